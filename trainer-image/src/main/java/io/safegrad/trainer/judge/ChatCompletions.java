package io.safegrad.trainer.judge;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/**
 * The chat completions of an endpoint of OpenAI's form, one request after the other, within a
 * budget. Every attempt counts. A redirect is not followed: who judges is who was named. Neither
 * token nor text is ever in a message.
 */
public final class ChatCompletions {

  /** Far above any answer of a few tokens. */
  private static final int MAX_ANSWER_BYTES = 1 << 20;

  private static final int REDIRECTION = 300;
  private static final int REFUSAL = 400;
  private static final int TROUBLE = 500;
  private static final Set<Integer> MAY_CHANGE = Set.of(408, 409, 425, 429);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);
  private static final String FIELD = "safety.evaluation.judge.endpoint";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Settings settings;
  private final Consumer<Outcome> told;
  private final HttpClient client;
  private int requests;
  private long tokens;

  /** What became of a request. */
  public enum Outcome {
    /** It was answered. */
    ANSWERED,
    /** It is made again. */
    RETRIED,
    /** It ended the run. */
    FAILED
  }

  /**
   * How an endpoint is asked.
   *
   * @param baseUrl up to the version: {@code https://host/v1}
   * @param token null for none
   * @param timeout of one request, its answer's last byte included
   * @param maxRetries of one request
   * @param firstDelay before the second attempt; each later one is twice the one before
   * @param maxRequests of all requests, retries among them
   * @param maxTokens after which no further request is made, as the endpoint counts them; null for
   *     any number
   */
  public record Settings(
      URI baseUrl,
      String model,
      String token,
      Duration timeout,
      int maxRetries,
      Duration firstDelay,
      int maxRequests,
      Long maxTokens) {

    @Override
    public String toString() {
      return model + " at " + baseUrl;
    }
  }

  /** A request failed in a way that a repetition may cure. */
  private static final class Trouble extends Exception {

    private static final long serialVersionUID = 1L;

    private final Duration retryAfter;

    /**
     * @param retryAfter how long the server asks to wait; null when it does not
     */
    Trouble(String message, Duration retryAfter, Throwable cause) {
      super(message, cause);
      this.retryAfter = retryAfter;
    }
  }

  /**
   * @param told is told of each request; may throw to stop
   */
  public ChatCompletions(Settings settings, Consumer<Outcome> told) {
    this.settings = settings;
    this.told = told;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(settings.timeout())
            .build();
  }

  /**
   * Whether the budget can suffice, before any request.
   *
   * @param all requests that a run takes, none of them made twice
   * @throws TrainerException with BAD_PLAN when it cannot
   */
  void requireSufficient(long all) {
    if (all > settings.maxRequests()) {
      throw failure(
          ExitReason.BAD_PLAN,
          "the run takes %d requests, maxRequests is %d; expected a larger budget"
              .formatted(all, settings.maxRequests()));
    }
  }

  /**
   * Whether so many requests are left, before the first of them is made.
   *
   * @throws TrainerException with BAD_PLAN when not
   */
  public void requireBudget(int further) {
    if (requests + (long) further > settings.maxRequests()) {
      throw failure(
          ExitReason.BAD_PLAN,
          "%d of maxRequests %d are spent and %d replies are to be judged; expected a larger budget"
              .formatted(requests, settings.maxRequests(), further));
    }
  }

  /**
   * One answer, at temperature 0.
   *
   * @param maxTokens of the answer
   * @throws TrainerException with SOURCE_UNAVAILABLE when the endpoint does not answer, with
   *     BAD_PLAN when it refuses or the budget is spent, with BAD_DATA when its answer is none
   */
  public String complete(String system, String user, int maxTokens) {
    byte[] body = body(system, user, maxTokens);
    Duration delay = settings.firstDelay();
    for (int attempt = 1; ; attempt++) {
      requireBudget(1);
      if (settings.maxTokens() != null && tokens >= settings.maxTokens()) {
        throw failure(
            ExitReason.BAD_PLAN,
            "%d tokens are spent, maxTokens is %d; expected a larger budget"
                .formatted(tokens, settings.maxTokens()));
      }
      requests++;
      try {
        String answer = content(send(body));
        told.accept(Outcome.ANSWERED);
        return answer;
      } catch (Trouble e) {
        if (attempt > settings.maxRetries()) {
          throw failed(ExitReason.SOURCE_UNAVAILABLE, e.getMessage() + ", " + attempt + " times");
        }
        told.accept(Outcome.RETRIED);
        pause(shortest(Objects.requireNonNullElse(e.retryAfter, delay)));
        delay = delay.multipliedBy(2);
      }
    }
  }

  /** A failure that names the endpoint, and no text of what is judged. */
  TrainerException failure(ExitReason reason, String message) {
    return new TrainerException(reason, FIELD + ": " + settings.baseUrl() + ": " + message);
  }

  private TrainerException failed(ExitReason reason, String message) {
    told.accept(Outcome.FAILED);
    return failure(reason, message);
  }

  private byte[] body(String system, String user, int maxTokens) {
    ObjectNode root = JSON.createObjectNode();
    root.put("model", settings.model());
    root.put("temperature", 0);
    root.put("max_tokens", maxTokens);
    ArrayNode messages = root.putArray("messages");
    messages.addObject().put("role", "system").put("content", system);
    messages.addObject().put("role", "user").put("content", user);
    return root.toString().getBytes(StandardCharsets.UTF_8);
  }

  private byte[] send(byte[] body) throws Trouble {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(settings.baseUrl() + "/chat/completions"))
            .header("Content-Type", "application/json")
            .header("User-Agent", "safegrad-trainer")
            .POST(HttpRequest.BodyPublishers.ofByteArray(body));
    if (settings.token() != null) {
      request.header("Authorization", "Bearer " + settings.token());
    }
    CompletableFuture<HttpResponse<byte[]>> pending =
        client.sendAsync(request.build(), info -> new BoundedBytes(MAX_ANSWER_BYTES));
    try {
      // Unlike the request's own timeout, this one ends with the answer's last byte.
      return accept(pending.get(settings.timeout().toMillis(), TimeUnit.MILLISECONDS));
    } catch (TimeoutException e) {
      throw new Trouble("no answer in " + settings.timeout().toSeconds() + " s", null, e);
    } catch (ExecutionException e) {
      if (e.getCause() instanceof BoundedBytes.TooLong) {
        throw failed(
            ExitReason.BAD_DATA, "expected an answer of at most " + MAX_ANSWER_BYTES + " bytes");
      }
      throw new Trouble(
          "it does not answer (" + e.getCause().getClass().getSimpleName() + ")", null, e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failed(ExitReason.SOURCE_UNAVAILABLE, "interrupted while it was asked");
    } finally {
      pending.cancel(true);
    }
  }

  private byte[] accept(HttpResponse<byte[]> response) throws Trouble {
    int status = response.statusCode();
    if (status == 200) {
      return response.body();
    }
    if (MAY_CHANGE.contains(status) || status >= TROUBLE) {
      throw new Trouble(
          "it answers with status " + status,
          response.headers().firstValue("Retry-After").map(ChatCompletions::seconds).orElse(null),
          null);
    }
    throw failed(
        ExitReason.BAD_PLAN,
        "it answers with status %d; expected %s"
            .formatted(
                status,
                status == 401 || status == 403
                    ? "a token that it takes, from the Secret of secretRef"
                    : status >= REDIRECTION && status < REFUSAL
                        ? "the address that it redirects to"
                        : "chat completions of the model " + settings.model() + " at baseUrl"));
  }

  private String content(byte[] answer) {
    JsonNode root;
    try {
      root = JSON.readTree(new String(answer, StandardCharsets.UTF_8));
    } catch (JsonProcessingException e) {
      throw failed(ExitReason.BAD_DATA, "expected JSON, found something else");
    }
    JsonNode content = root.path("choices").path(0).path("message").path("content");
    if (!content.isTextual()) {
      throw failed(ExitReason.BAD_DATA, "expected the text choices[0].message.content, found none");
    }
    JsonNode total = root.path("usage").path("total_tokens");
    if (settings.maxTokens() != null && !total.canConvertToLong()) {
      throw failed(
          ExitReason.BAD_DATA, "expected usage.total_tokens, which maxTokens needs, found none");
    }
    tokens += total.asLong();
    return content.asText();
  }

  /** {@code Retry-After} in seconds; a date is null. */
  private static Duration seconds(String retryAfter) {
    return retryAfter.matches("\\d{1,9}") ? Duration.ofSeconds(Long.parseLong(retryAfter)) : null;
  }

  private static Duration shortest(Duration asked) {
    return asked.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : asked;
  }

  private void pause(Duration delay) {
    try {
      Thread.sleep(delay.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw failed(ExitReason.SOURCE_UNAVAILABLE, "interrupted while waiting to try again");
    }
  }
}
