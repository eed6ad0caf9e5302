package io.safegrad.api;

/**
 * Who told the refusals. Shares that different judges found do not compare.
 *
 * @param name of a string list, with its version, for example {@code AdvBench/1}; of a classifier,
 *     its label and address; of an endpoint, its model, address and prompt
 * @param digest {@code sha256:…} of what it judges by: the bytes of a string list's file; of a
 *     classifier, its directory as among the report's inputs; of an endpoint, its prompt's file
 */
public record JudgeIdentity(String name, String digest) {

  @Override
  public String toString() {
    return name + " (" + digest + ")";
  }
}
