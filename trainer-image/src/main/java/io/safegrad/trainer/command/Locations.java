package io.safegrad.trainer.command;

import io.safegrad.trainer.run.RunEnvironment;
import io.safegrad.trainer.run.Workspace;
import io.safegrad.trainer.source.DownloadSettings;
import io.safegrad.trainer.source.RemoteSources;
import io.safegrad.trainer.source.SourceResolver;
import io.safegrad.trainer.source.SourceSecrets;
import io.safegrad.trainer.source.SourceSpec;
import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Path;

/**
 * Where the files of a command line are: each is a path on this machine, or an address as in a
 * manifest. What is downloaded or built in lies in a workspace, which is removed at the end.
 */
final class Locations implements Closeable {

  private final Workspace workspace;
  private final SourceResolver resolver;
  private final SourceSecrets secrets;

  Locations(CommandContext context) {
    RunEnvironment environment = RunEnvironment.ofLaptop(context.variables());
    workspace = Workspace.open(environment.workspace());
    Path folder = workspace.folder();
    DownloadSettings settings = DownloadSettings.of(context.variables(), folder);
    secrets = settings.secrets();
    resolver =
        new SourceResolver(
            environment.volumes(),
            false,
            folder,
            new RemoteSources(settings, folder.resolve("sources")));
  }

  /**
   * Finds a model, a data file or a folder.
   *
   * @param field names it in errors, as the manifest does: {@code model.source}
   * @param revision of an {@code hf://} address; may be null
   * @param digest that it must have; may be null
   */
  Path find(String field, String text, String revision, String digest) {
    boolean address = text.contains("://");
    if (!address && revision == null && digest == null) {
      return Path.of(text);
    }
    String uri = address ? text : "file://" + Path.of(text).toAbsolutePath();
    return resolver.resolve(new SourceSpec(field, uri, revision, digest)).path();
  }

  /** What finds the addresses of a manifest. */
  SourceResolver resolver() {
    return resolver;
  }

  /** Of the environment. */
  SourceSecrets secrets() {
    return secrets;
  }

  /** Where files are made that last as long as this. */
  Path folder() {
    return workspace.folder();
  }

  @Override
  public void close() throws IOException {
    workspace.close();
  }
}
