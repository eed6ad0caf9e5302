package io.safegrad.trainer.source;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import java.util.regex.Pattern;

/** Which files of a repository make a model, so that no others are downloaded. */
final class HubModel {

  private static final Pattern SMALL_FILES =
      Pattern.compile(
          "(config|generation_config|tokenizer[^/]*|special_tokens_map|added_tokens)\\.json"
              + "|tokenizer\\.model|chat_template\\.jinja");
  private static final Pattern FILE_NAME = Pattern.compile("[A-Za-z0-9_][A-Za-z0-9._-]*");
  private static final String WEIGHTS = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  private HubModel() {}

  /**
   * Downloads a model's files.
   *
   * @param label field and address, for messages
   * @param folder of the repository that holds the model; empty for its root
   * @param download brings one file here
   * @return where each file is, by its name
   * @throws TrainerException with BAD_PLAN when the folder holds no model with safetensors, with
   *     BAD_DATA when the index of its shards is broken
   */
  static Map<String, Path> files(
      String label, HubRepository repository, String folder, Function<RemoteFile, Path> download) {
    String prefix = folder.isEmpty() ? "" : folder + "/";
    Map<String, RemoteFile> remote = new TreeMap<>();
    repository
        .files()
        .forEach(
            (name, file) -> {
              String rest = name.startsWith(prefix) ? name.substring(prefix.length()) : "";
              if (FILE_NAME.matcher(rest).matches()) {
                remote.put(rest, file);
              }
            });
    boolean sharded = !remote.containsKey(WEIGHTS) && remote.containsKey(INDEX);
    if (!remote.containsKey("config.json") || !sharded && !remote.containsKey(WEIGHTS)) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "%s: commit %s holds no model; expected config.json and %s or %s"
              .formatted(label, repository.commit(), WEIGHTS, INDEX));
    }
    Map<String, Path> files = new TreeMap<>();
    for (String name : remote.keySet()) {
      if (SMALL_FILES.matcher(name).matches()) {
        files.put(name, download.apply(remote.get(name)));
      }
    }
    if (!sharded) {
      files.put(WEIGHTS, download.apply(remote.get(WEIGHTS)));
      return files;
    }
    Path index = download.apply(remote.get(INDEX));
    files.put(INDEX, index);
    for (String shard : shards(label, index)) {
      if (!remote.containsKey(shard)) {
        throw new TrainerException(
            ExitReason.BAD_DATA,
            "%s: %s names a file that the commit does not hold: %s".formatted(label, INDEX, shard));
      }
      files.put(shard, download.apply(remote.get(shard)));
    }
    return files;
  }

  private static TreeSet<String> shards(String label, Path index) {
    TreeSet<String> names = new TreeSet<>();
    try {
      JsonNode weightMap = new ObjectMapper().readTree(index.toFile()).path("weight_map");
      weightMap.forEach(file -> names.add(file.asText()));
    } catch (IOException e) {
      throw new TrainerException(
          ExitReason.BAD_DATA, "%s: %s is not JSON".formatted(label, INDEX), e);
    }
    return names;
  }
}
