package io.safegrad.trainer.tensor;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * The file format of {@code torch.jit.save}: a stored zip whose code is plain text and whose other
 * members are constants for a module that holds no tensors. Written here, so that no Python is
 * needed to build or to run the trainer.
 */
final class TorchScriptArchive {

  private static final String CLASS_HEADER =
      """
      class Operators(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
        def forward(self: __torch__.Operators, x: Tensor) -> Tensor:
          return x
      """;

  /** Pickle protocol 2: an instance of {@code __torch__.Operators} with {@code training = True}. */
  private static final String INSTANCE =
      "\u0080\u0002c__torch__\nOperators\n)\u0081}X\u0008\u0000\u0000\u0000training\u0088sb.";

  /** Pickle protocol 2: an empty tuple. */
  private static final String NO_CONSTANTS = "\u0080\u0002).";

  private TorchScriptArchive() {}

  /**
   * Builds an archive of one module.
   *
   * @param methods TorchScript method definitions, indented by two spaces
   */
  static InputStream of(Iterable<String> methods) {
    StringBuilder code = new StringBuilder(CLASS_HEADER);
    methods.forEach(code::append);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.setMethod(ZipOutputStream.STORED);
      add(zip, "data.pkl", INSTANCE.getBytes(StandardCharsets.ISO_8859_1));
      add(zip, "code/__torch__.py", code.toString().getBytes(StandardCharsets.UTF_8));
      add(zip, "constants.pkl", NO_CONSTANTS.getBytes(StandardCharsets.ISO_8859_1));
      add(zip, "version", "10\n".getBytes(StandardCharsets.US_ASCII));
      add(zip, "byteorder", "little".getBytes(StandardCharsets.US_ASCII));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new ByteArrayInputStream(bytes.toByteArray());
  }

  private static void add(ZipOutputStream zip, String name, byte[] content) throws IOException {
    CRC32 checksum = new CRC32();
    checksum.update(content);
    ZipEntry entry = new ZipEntry("operators/" + name);
    entry.setSize(content.length);
    entry.setCompressedSize(content.length);
    entry.setCrc(checksum.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }
}
