package io.safegrad.trainer.weights;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.GoldenFiles;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Files with one wrong number, which would end a later computation. */
class GgufDamageTest {

  private static final int Q2_K = 10;

  @TempDir private Path folder;

  @Test
  void aTensorWithoutRows() throws IOException {
    ByteBuffer file = bytes("toy-llama-q8.gguf");
    // A name, the number of dimensions, and then each, innermost first.
    file.putLong(after(file, "blk.0.attn_q.weight") + 4 + 8, 0);

    assertRefused(file, "tensor blk.0.attn_q.weight: expected dimensions of at least 1, found 0");
  }

  @Test
  void anEndOfTurnThatIsNoToken() throws IOException {
    ByteBuffer file = bytes("toy-llama-q8.gguf");
    int end = after(file, "tokenizer.ggml.bos_token_id");
    file.put(end - "bos_token_id".length(), "eot".getBytes(StandardCharsets.US_ASCII));
    file.putInt(end + 4, -1);

    assertRefused(
        file, "field tokenizer.ggml.eot_token_id: expected a token id below 384, found 4294967295");
  }

  @Test
  void rotaryFactorsOfAnUnsupportedTypeAndSize() throws IOException {
    ByteBuffer file = bytes("toy-llama-spm.gguf");
    int end = after(file, "rope_freqs.weight");
    file.putLong(end + 4, Long.MAX_VALUE);
    file.putInt(end + 4 + 8, Q2_K);

    assertRefused(
        file, "tensor rope_freqs.weight: expected one F32 factor for each pair of a head's rows");
  }

  @Test
  void aQuantisedBiasOfPermutedRows() throws IOException {
    ByteBuffer file = bytes("toy-llama-spm.gguf");
    file.putInt(after(file, "blk.0.attn_q.bias") + 4 + 8, ElementType.Q8_0.ggmlType());

    assertRefused(
        file, "tensor blk.0.attn_q.bias: expected F32, F16 or BF16 in one dimension, found Q8_0");
  }

  private void assertRefused(ByteBuffer bytes, String message) throws IOException {
    Path file = Files.write(folder.resolve("damaged.gguf"), bytes.array());

    assertThatThrownBy(() -> PretrainedModel.open(file))
        .isInstanceOf(TrainerException.class)
        .hasMessage(file + ": " + message)
        .extracting(e -> ((TrainerException) e).reason())
        .isEqualTo(ExitReason.BAD_DATA);
  }

  private static ByteBuffer bytes(String name) throws IOException {
    return ByteBuffer.wrap(Files.readAllBytes(GoldenFiles.path(name)))
        .order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Where the first occurrence of a text ends. */
  private static int after(ByteBuffer file, String text) {
    byte[] bytes = file.array();
    byte[] part = text.getBytes(StandardCharsets.UTF_8);
    int at = 0;
    while (!Arrays.equals(bytes, at, at + part.length, part, 0, part.length)) {
      at++;
    }
    return at + part.length;
  }
}
