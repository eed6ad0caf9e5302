package io.safegrad.trainer.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.cfg.JsonNodeFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What a record is known by where its text must not stand: the SHA-256 of its canonical JSON, which
 * is UTF-8 without white space, the names of each object sorted. It is the same in whatever file
 * the record stands.
 */
public final class RecordDigests {

  private static final ObjectMapper CANONICAL =
      JsonMapper.builder().enable(JsonNodeFeature.WRITE_PROPERTIES_SORTED).build();

  private RecordDigests() {}

  /**
   * Reads a data file once more.
   *
   * @param displayName the file's name in errors
   * @param lines where the records begin
   * @return {@code sha256:…} by line
   */
  public static Map<Integer, String> of(Path file, String displayName, Set<Integer> lines) {
    Map<Integer, String> digests = new TreeMap<>();
    DataFile.forEach(
        file,
        displayName,
        record -> {
          if (lines.contains(record.line())) {
            digests.put(record.line(), digest(record));
          }
        });
    return digests;
  }

  private static String digest(DataRecord record) {
    try {
      byte[] json = CANONICAL.writeValueAsString(record.object()).getBytes(StandardCharsets.UTF_8);
      return "sha256:"
          + HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(json));
    } catch (JsonProcessingException | NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
