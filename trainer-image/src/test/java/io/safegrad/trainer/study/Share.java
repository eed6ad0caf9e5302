package io.safegrad.trainer.study;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.safegrad.trainer.weights.AtomicFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * A folder in which processes side by side share out the cases: who takes one leaves its process id
 * there, and later the result. A case whose process has ended without a result is taken once more.
 */
final class Share {

  private static final ObjectMapper JSON = new ObjectMapper();

  /** One for each time that a case is taken. */
  private static final List<String> TAKEN = List.of(".taken", ".taken-again");

  private static final String FAILED = ".failed";
  private static final String RESULT = ".json";

  private final Path folder;

  Share(Path folder) throws IOException {
    this.folder = Files.createDirectories(folder);
  }

  /** Takes a case, unless another process has it or it cannot be run. */
  boolean take(StudyCase study) throws IOException {
    if (Files.exists(file(study, RESULT)) || isLost(study)) {
      return false;
    }
    for (String taken : TAKEN) {
      Path file = file(study, taken);
      try {
        Files.writeString(
            file, Long.toString(ProcessHandle.current().pid()), StandardOpenOption.CREATE_NEW);
        return true;
      } catch (FileAlreadyExistsException e) {
        if (isHeld(file)) {
          return false;
        }
      }
    }
    return false;
  }

  private static boolean isHeld(Path taken) throws IOException {
    String id = Files.readString(taken);
    return id.isEmpty()
        || ProcessHandle.of(Long.parseLong(id)).filter(ProcessHandle::isAlive).isPresent();
  }

  /** Tells that a case cannot be run, and why. */
  void fail(StudyCase study, RuntimeException e) throws IOException {
    Files.writeString(file(study, FAILED), study.key() + ": " + e);
  }

  /** Whether nobody will run a case: it failed, or two processes ended over it. */
  boolean isLost(StudyCase study) throws IOException {
    Path again = file(study, TAKEN.get(TAKEN.size() - 1));
    return Files.exists(file(study, FAILED))
        || Files.exists(again) && !Files.exists(file(study, RESULT)) && !isHeld(again);
  }

  /** Leaves the result of a case that was taken. */
  void leave(CaseResult result) throws IOException {
    AtomicFile.write(file(result.study(), RESULT), JSON.writeValueAsBytes(result));
  }

  /** The results of all processes. */
  List<CaseResult> results() throws IOException {
    List<Path> files;
    try (Stream<Path> all = Files.list(folder)) {
      files = all.filter(file -> file.toString().endsWith(RESULT)).sorted().toList();
    }
    List<CaseResult> results = new ArrayList<>();
    for (Path file : files) {
      results.add(JSON.readValue(file.toFile(), CaseResult.class));
    }
    return results;
  }

  private Path file(StudyCase study, String suffix) {
    byte[] key = study.key().getBytes(StandardCharsets.UTF_8);
    return folder.resolve(UUID.nameUUIDFromBytes(key) + suffix);
  }
}
