package io.safegrad.trainer.source;

import java.nio.file.Path;
import java.util.Map;

/**
 * A model or a data set that was found.
 *
 * @param field the plan's field that names it, for example {@code dataset.source}
 * @param uri the address as the user wrote it, without a query
 * @param path where it lies on this machine: a file or a directory
 * @param commit of an {@code hf://} address; null for any other
 * @param digest {@code sha256:…} of the file, or of a directory as in {@link Sha256#ofDirectory}
 * @param files {@code sha256:…} of each file of a directory, by its name in there; empty for a file
 */
public record Source(
    String field, String uri, Path path, String commit, String digest, Map<String, String> files) {}
