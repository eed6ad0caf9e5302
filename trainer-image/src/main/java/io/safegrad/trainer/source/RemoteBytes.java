package io.safegrad.trainer.source;

import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;

/**
 * A remote file's bytes from some place on, as they arrive.
 *
 * @param start place of the first byte in the file; 0 where a server sends all of it although less
 *     was asked for
 * @param length how many bytes follow; -1 when the server does not say
 */
record RemoteBytes(long start, long length, Body body, Closeable connection) implements Closeable {

  /** Opens the bytes; called once. */
  @FunctionalInterface
  interface Body {
    InputStream open() throws IOException;
  }

  /** The file changed since its download began: what is here is no part of the one there. */
  static final class ChangedException extends Exception {

    private static final long serialVersionUID = 1L;
  }

  /** How a file's bytes are asked for. */
  @FunctionalInterface
  interface Request {

    /**
     * Asks for what follows the first {@code start} bytes.
     *
     * @throws TransferException when a repetition may help
     */
    RemoteBytes from(long start) throws TransferException, ChangedException;
  }

  @Override
  public void close() throws IOException {
    connection.close();
  }
}
