package io.safegrad.operator.cluster;

import java.io.IOException;

/** What goes on over one connection, for as long as it holds. */
interface ConnectionThread {

  void run() throws IOException;

  /** Starts it beside everything else. That the connection breaks is its end and no failure. */
  static void start(String name, ConnectionThread connection) {
    Thread thread =
        new Thread(
            () -> {
              try {
                connection.run();
              } catch (IOException e) {
                Thread.currentThread().interrupt();
              }
            },
            name);
    thread.setDaemon(true);
    thread.start();
  }
}
