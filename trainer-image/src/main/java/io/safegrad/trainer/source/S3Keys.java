package io.safegrad.trainer.source;

/**
 * What requests to S3 are signed with.
 *
 * @param sessionToken of temporary keys; null for lasting ones
 */
record S3Keys(String accessKeyId, String secretAccessKey, String sessionToken) {

  @Override
  public String toString() {
    return "keys of S3";
  }
}
