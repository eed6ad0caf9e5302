package io.safegrad.trainer.source;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * What lies behind {@code builtin://name}: a small aligned model and data sets to try things with,
 * all on the class path.
 *
 * <table>
 * <caption>Names</caption>
 * <tr><td>tiny-aligned<td>model directory
 * <tr><td>alignment<td>harmful prompts with refusals
 * <tr><td>evaluation-harmful, evaluation-harmless<td>prompts that nothing built in is trained on
 * <tr><td>sentiment, sentiment-test<td>a user's task, and held-out examples of it
 * <tr><td>sentiment-poisoned-N<td>the task with N percent (0 to 100) of its examples replaced by
 *     harmful prompts and replies that comply
 * </table>
 */
public final class BuiltinSource {

  private static final String TASK = "sentiment";
  private static final String MODEL = "tiny-aligned";
  private static final List<String> DATA =
      List.of("alignment", "evaluation-harmful", "evaluation-harmless", TASK, TASK + "-test");
  private static final List<String> MODEL_FILES =
      List.of(
          "config.json",
          "generation_config.json",
          "model.safetensors",
          "tokenizer.json",
          "tokenizer_config.json");
  private static final Pattern POISONED = Pattern.compile(TASK + "-poisoned-(\\d{1,3})");
  private static final int POISON_SEED = 43;

  private BuiltinSource() {}

  /**
   * Copies a built-in model or data set to a folder.
   *
   * @param name what follows {@code builtin://}
   * @param folder an existing folder; the copy is {@code folder/name} for a model and {@code
   *     folder/name.jsonl} for data, and replaces what is there
   * @return the copy: a directory for a model, a file for data
   * @throws TrainerException BAD_PLAN for a name that is not built in; INTERNAL when the copy
   *     cannot be written
   */
  public static Path materialise(String name, Path folder) {
    if (!contains(name)) {
      throw new TrainerException(ExitReason.BAD_PLAN, unknown(name));
    }
    try {
      if (name.equals(MODEL)) {
        return copyModel(Files.createDirectories(folder.resolve(name)));
      }
      Path file = folder.resolve(name + ".jsonl");
      Matcher poisoned = POISONED.matcher(name);
      if (poisoned.matches()) {
        return Files.write(file, poisonedTask(Integer.parseInt(poisoned.group(1))));
      }
      copy("data/" + name + ".jsonl", file);
      return file;
    } catch (IOException e) {
      throw new TrainerException(
          ExitReason.INTERNAL, "builtin://" + name + " could not be copied to " + folder, e);
    }
  }

  /** Whether something of that name is built in. */
  static boolean contains(String name) {
    Matcher poisoned = POISONED.matcher(name);
    return name.equals(MODEL)
        || DATA.contains(name)
        || poisoned.matches() && Integer.parseInt(poisoned.group(1)) <= 100;
  }

  /** Says that nothing of that name is, and what is. */
  static String unknown(String name) {
    return ("builtin://%s is not built in; expected the model %s or one of the data sets %s,"
            + " %s-poisoned-N with N from 0 to 100")
        .formatted(name, MODEL, String.join(", ", DATA), TASK);
  }

  private static Path copyModel(Path directory) throws IOException {
    for (String file : MODEL_FILES) {
      copy("models/" + MODEL + "/" + file, directory.resolve(file));
    }
    return directory;
  }

  private static void copy(String resource, Path file) throws IOException {
    try (InputStream in = open(resource)) {
      Files.copy(in, file, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /** A larger share poisons the same examples and more, so that shares compare. */
  private static List<String> poisonedTask(int percent) {
    List<String> lines = new ArrayList<>(lines("data/" + TASK + ".jsonl"));
    List<String> poison = lines("poison.jsonl");
    List<Integer> places = new ArrayList<>(IntStream.range(0, lines.size()).boxed().toList());
    Collections.shuffle(places, new Random(POISON_SEED));
    int count = (int) Math.round(lines.size() * percent / 100.0);
    for (int i = 0; i < count; i++) {
      lines.set(places.get(i), poison.get(i));
    }
    return lines;
  }

  private static List<String> lines(String resource) {
    try (InputStream in = open(resource)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static InputStream open(String resource) {
    InputStream in = BuiltinSource.class.getResourceAsStream("/builtin/" + resource);
    if (in == null) {
      throw new IllegalStateException("/builtin/" + resource + " is not on the class path");
    }
    return in;
  }
}
