package io.safegrad.trainer.source;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.net.URI;
import java.net.URISyntaxException;
import java.util.Map;

/**
 * Which S3 is meant by {@code s3://} addresses. The variables are those of Amazon's own tools.
 *
 * @param endpoint its address; null for Amazon's
 * @param region for signatures; that of the bucket at Amazon, anything elsewhere
 */
record S3Settings(URI endpoint, String region) {

  private static final String[] ENDPOINTS = {"AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"};
  private static final String[] REGIONS = {"AWS_REGION", "AWS_DEFAULT_REGION"};
  private static final String DEFAULT_REGION = "us-east-1";

  /**
   * Reads the environment.
   *
   * @throws TrainerException with BAD_PLAN for a variable that cannot be used
   */
  static S3Settings of(Map<String, String> variables) {
    return new S3Settings(endpoint(variables), region(variables));
  }

  /** What tells this S3 from others, for names in the cache. */
  String identity() {
    return endpoint == null ? "aws" : endpoint.toString();
  }

  private static URI endpoint(Map<String, String> variables) {
    for (String name : ENDPOINTS) {
      String text = variables.getOrDefault(name, "").strip();
      if (text.isEmpty()) {
        continue;
      }
      try {
        URI endpoint = new URI(text.replaceAll("/+$", ""));
        boolean web = "https".equals(endpoint.getScheme()) || "http".equals(endpoint.getScheme());
        if (web && HttpTransport.isPlain(endpoint) && endpoint.getQuery() == null) {
          return endpoint;
        }
      } catch (URISyntaxException e) {
        // Said below, as for another scheme.
      }
      throw new TrainerException(
          ExitReason.BAD_PLAN, name + ": expected the address of an S3, as https://s3.example.org");
    }
    return null;
  }

  private static String region(Map<String, String> variables) {
    for (String name : REGIONS) {
      String region = variables.getOrDefault(name, "").strip();
      if (region.matches("[A-Za-z0-9][A-Za-z0-9-]{0,62}")) {
        return region;
      }
      if (!region.isEmpty()) {
        throw new TrainerException(
            ExitReason.BAD_PLAN, name + ": expected a region's name, as eu-central-1");
      }
    }
    return DEFAULT_REGION;
  }
}
