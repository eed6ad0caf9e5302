package io.safegrad.trainer.data;

import io.airlift.compress.Decompressor;
import io.airlift.compress.lz4.Lz4Decompressor;
import io.airlift.compress.snappy.SnappyDecompressor;
import io.airlift.compress.zstd.ZstdDecompressor;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.zip.GZIPInputStream;
import org.apache.parquet.bytes.BytesInput;
import org.apache.parquet.compression.CompressionCodecFactory;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;

/** Unpacks the pages of a Parquet file, without native code and without Hadoop. */
final class ParquetCodecs implements CompressionCodecFactory {

  /** Writers make pages of about one MiB; a long text makes a page longer. */
  static final int MAX_PAGE_BYTES = 64 << 20;

  /** One page, whose size is known. */
  private interface Unpacking {
    void unpack(byte[] packed, byte[] page) throws IOException;
  }

  @Override
  public BytesInputDecompressor getDecompressor(CompressionCodecName codec) {
    return switch (codec) {
      case UNCOMPRESSED ->
          new Page((packed, page) -> System.arraycopy(packed, 0, page, 0, page.length));
      case SNAPPY -> page(new SnappyDecompressor());
      case ZSTD -> page(new ZstdDecompressor());
      case LZ4_RAW -> page(new Lz4Decompressor());
      case GZIP ->
          new Page(
              (packed, page) -> {
                try (InputStream gzip = new GZIPInputStream(new ByteArrayInputStream(packed))) {
                  requireWhole(gzip.readNBytes(page, 0, page.length), page);
                }
              });
      default ->
          throw new ParquetRecords.UnusableColumnException(
              "expected columns packed by Snappy, gzip, Zstandard, LZ4_RAW or not at all, found "
                  + codec);
    };
  }

  private static Page page(Decompressor decompressor) {
    return new Page(
        (packed, page) ->
            requireWhole(
                decompressor.decompress(packed, 0, packed.length, page, 0, page.length), page));
  }

  private static void requireWhole(int bytes, byte[] page) throws IOException {
    if (bytes != page.length) {
      throw new IOException("a page is shorter than its header says");
    }
  }

  private record Page(Unpacking unpacking) implements BytesInputDecompressor {

    @Override
    public BytesInput decompress(BytesInput packed, int bytes) throws IOException {
      return BytesInput.from(unpacked(packed.toByteArray(), bytes));
    }

    @Override
    public void decompress(ByteBuffer packed, int packedBytes, ByteBuffer page, int bytes)
        throws IOException {
      byte[] input = new byte[packedBytes];
      packed.get(input);
      page.put(unpacked(input, bytes));
    }

    private byte[] unpacked(byte[] packed, int bytes) throws IOException {
      if (bytes < 0 || bytes > MAX_PAGE_BYTES) {
        throw new ParquetRecords.UnusableColumnException(
            "expected pages of at most " + MAX_PAGE_BYTES + " bytes, found one of " + bytes);
      }
      byte[] page = new byte[bytes];
      unpacking.unpack(packed, page);
      return page;
    }

    @Override
    public void release() {
      // Nothing outlasts a page.
    }
  }

  @Override
  public BytesInputCompressor getCompressor(CompressionCodecName codec) {
    throw new UnsupportedOperationException("Parquet is not written");
  }

  @Override
  public void release() {
    // Nothing is held.
  }
}
