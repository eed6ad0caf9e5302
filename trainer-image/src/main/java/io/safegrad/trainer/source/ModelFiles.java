package io.safegrad.trainer.source;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.weights.JsonFile;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;

/** Which files of a remote folder make a model, so that no others are downloaded. */
final class ModelFiles {

  private static final Pattern SMALL_FILES =
      Pattern.compile(
          "(config|generation_config|tokenizer[^/]*|special_tokens_map|added_tokens)\\.json"
              + "|tokenizer\\.model|chat_template\\.jinja");
  private static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]*");
  private static final String WEIGHTS = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  private ModelFiles() {}

  /**
   * Downloads a model's files.
   *
   * @param label field and address, for messages
   * @param where the folder, for messages, for example {@code commit 0123…}
   * @param names of the files in the folder
   * @param download brings the file of a name here
   * @return where each file is, by its name
   * @throws TrainerException with BAD_PLAN when the folder holds no model with safetensors, with
   *     BAD_DATA when the index of its shards is broken
   */
  static Map<String, Path> download(
      String label, String where, Set<String> names, Function<String, Path> download) {
    boolean sharded = !names.contains(WEIGHTS) && names.contains(INDEX);
    if (!names.contains("config.json") || !sharded && !names.contains(WEIGHTS)) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "%s: %s holds no model; expected config.json and %s or %s"
              .formatted(label, where, WEIGHTS, INDEX));
    }
    Map<String, Path> files = new TreeMap<>();
    for (String name : names) {
      if (SMALL_FILES.matcher(name).matches()) {
        files.put(name, download.apply(name));
      }
    }
    if (!sharded) {
      files.put(WEIGHTS, download.apply(WEIGHTS));
      return files;
    }
    Path index = download.apply(INDEX);
    files.put(INDEX, index);
    for (String shard : shards(label, index)) {
      if (!names.contains(shard)) {
        throw new TrainerException(
            ExitReason.BAD_DATA,
            "%s: %s names a file that %s does not hold: %s".formatted(label, INDEX, where, shard));
      }
      files.put(shard, download.apply(shard));
    }
    return files;
  }

  /** The names of those files that lie in a folder and not below it, of all in a repository. */
  static Set<String> namesIn(String prefix, Set<String> paths) {
    TreeSet<String> names = new TreeSet<>();
    for (String path : paths) {
      String rest = path.startsWith(prefix) ? path.substring(prefix.length()) : "";
      if (FILE_NAME.matcher(rest).matches()) {
        names.add(rest);
      }
    }
    return names;
  }

  private static TreeSet<String> shards(String label, Path index) {
    TreeSet<String> names = new TreeSet<>();
    try {
      JsonFile.readObject(index).path("weight_map").forEach(file -> names.add(file.asText()));
    } catch (TrainerException e) {
      // Its message names the file in the cache.
      throw new TrainerException(
          e.reason(), "%s: %s is not JSON in UTF-8".formatted(label, INDEX), e);
    }
    return names;
  }
}
