package io.safegrad.trainer.source;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.util.Set;
import software.amazon.awssdk.awscore.exception.AwsServiceException;
import software.amazon.awssdk.core.exception.SdkClientException;

/** What the failures of requests to S3 mean. None of the server's own text is shown. */
final class S3Failure {

  private static final Set<Integer> MAY_CHANGE = Set.of(408, 425, 429);
  private static final Set<String> TEMPORARY =
      Set.of("SlowDown", "RequestTimeout", "RequestTimeTooSkewed", "InternalError");
  private static final Set<String> WRONG_KEYS =
      Set.of("InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken");
  private static final Set<String> WRONG_REGION =
      Set.of("PermanentRedirect", "AuthorizationHeaderMalformed", "TemporaryRedirect");
  private static final int MOVED = 301;
  private static final int UNAUTHORIZED = 401;
  private static final int FORBIDDEN = 403;
  private static final int NOT_FOUND = 404;
  private static final int SERVER = 500;
  private static final int NOT_IMPLEMENTED = 501;

  private S3Failure() {}

  /** One request. */
  @FunctionalInterface
  interface Call<T> {
    T run();
  }

  /**
   * Does a request.
   *
   * @param label field and address, for messages
   * @param signed whether it is signed with keys
   * @throws TransferException when a repetition may help
   * @throws TrainerException with BAD_PLAN when the server refuses
   */
  static <T> T attempt(String label, boolean signed, Call<T> call) throws TransferException {
    try {
      return call.run();
    } catch (AwsServiceException e) {
      throw refused(label, signed, e);
    } catch (SdkClientException e) {
      throw new TransferException("S3 does not answer (%s)".formatted(reason(e)), e);
    }
  }

  /** The error code of S3; empty when the answer has none, as answers to HEAD. */
  static String code(AwsServiceException e) {
    String code = e.awsErrorDetails() == null ? null : e.awsErrorDetails().errorCode();
    return code != null && code.matches("[A-Za-z0-9.]{1,64}") ? code : "";
  }

  private static TrainerException refused(String label, boolean signed, AwsServiceException e)
      throws TransferException {
    int status = e.statusCode();
    String code = code(e);
    String answer = code.isEmpty() ? "status " + status : "status %d (%s)".formatted(status, code);
    if (code.equals("ExpiredToken")) {
      // Keys of a pod are fixed when it starts; the next one gets those of then.
      return new TrainerException(
          ExitReason.SOURCE_UNAVAILABLE,
          "%s: the session token has expired; another attempt with a fresh one may help"
              .formatted(label),
          e);
    }
    if (MAY_CHANGE.contains(status)
        || status >= SERVER && status != NOT_IMPLEMENTED
        || TEMPORARY.contains(code)) {
      throw new TransferException("S3 answers with " + answer, e);
    }
    return new TrainerException(
        ExitReason.BAD_PLAN,
        "%s: S3 answers with %s; %s".formatted(label, answer, expected(status, code, signed)),
        e);
  }

  private static String expected(int status, String code, boolean signed) {
    if (code.equals("NoSuchBucket")) {
      return "there is no such bucket";
    }
    if (WRONG_KEYS.contains(code)) {
      return "the keys are not known there, or do not belong together";
    }
    if (WRONG_REGION.contains(code) || status == MOVED) {
      return "expected AWS_REGION to name the bucket's region, or AWS_ENDPOINT_URL its S3";
    }
    if (status == FORBIDDEN || status == UNAUTHORIZED) {
      return signed
          ? "expected an address that exists and that these keys may use"
          : "there are no keys for it, and it is not open to everybody; expected a secretRef, or"
              + " AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
    }
    return status == NOT_FOUND ? "there is nothing at this address" : "expected success";
  }

  private static String reason(SdkClientException e) {
    for (Throwable cause = e; cause != null; cause = cause.getCause()) {
      if (cause instanceof IOException io) {
        return HttpTransport.firstLine(io);
      }
    }
    return e.getClass().getSimpleName();
  }
}
