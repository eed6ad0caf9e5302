package io.safegrad.trainer.source;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Stream;
import javax.net.ssl.SSLSocketFactory;

/**
 * Brings models and data from {@code https://} and {@code hf://} addresses into the cache, and lays
 * out links to them under their own names in the workspace.
 */
public final class RemoteSources {

  static final String WEB = "https://";
  static final String HUB = "hf://";

  private final HubRepository.Hub hub;
  private final DownloadCache cache;
  private final Path folder;

  /**
   * @param settings where hub and cache are
   * @param folder receives the links; made when it is needed
   */
  public RemoteSources(DownloadSettings settings, Path folder) {
    this(settings, folder, null, Retries.DEFAULT);
  }

  RemoteSources(DownloadSettings settings, Path folder, SSLSocketFactory sockets, Retries retries) {
    HttpTransport transport = new HttpTransport(sockets);
    AccessToken token =
        settings.token() == null ? null : new AccessToken(settings.hub(), settings.token());
    this.hub = new HubRepository.Hub(settings.hub(), token, transport, retries);
    this.cache =
        new DownloadCache(settings.cache(), new FileDownload(transport, retries, settings.limit()));
    this.folder = folder;
  }

  /**
   * What was downloaded.
   *
   * @param path a file, or a directory of a model
   * @param commit that an {@code hf://} address stands for; null for {@code https://}
   */
  record Downloaded(Path path, String commit) {}

  static boolean isRemote(String uri) {
    return uri.startsWith(WEB) || uri.startsWith(HUB);
  }

  /**
   * Downloads a source, or what is missing of it.
   *
   * @throws TrainerException with BAD_PLAN for an address that is not allowed or that its server
   *     refuses, with SOURCE_UNAVAILABLE when it cannot be reached, with BAD_DATA when it is not
   *     what its digest says
   */
  Downloaded download(SourceSpec source) throws IOException {
    return source.uri().startsWith(WEB) ? fromWeb(source) : fromHub(source);
  }

  private Downloaded fromWeb(SourceSpec source) throws IOException {
    if (source.digest() == null) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "%s: missing; expected the sha256:… of what is at %s"
              .formatted(source.sibling("digest"), WEB));
    }
    URI address = webAddress(source);
    RemoteFile file =
        new RemoteFile(
            "%s: %s%s%s".formatted(source.field(), WEB, address.getHost(), address.getPath()),
            address,
            null,
            Checksum.ofDigest(source.digest()),
            null);
    return new Downloaded(link(source, fileName(address.getPath()), cache.get(file)), null);
  }

  private static URI webAddress(SourceSpec source) {
    try {
      URI address = new URI(source.uri());
      if (address.getHost() != null && address.getUserInfo() == null) {
        return address;
      }
    } catch (URISyntaxException e) {
      // Said below; the exception would quote the address, which may hold a signature.
    }
    throw new TrainerException(
        ExitReason.BAD_PLAN,
        source.field() + ": expected https://host/path, percent-encoded, without a user");
  }

  private Downloaded fromHub(SourceSpec source) throws IOException {
    boolean model = source.field().startsWith("model.");
    HubAddress address =
        HubAddress.parse(source.uri())
            .filter(parsed -> model == (parsed.kind() == HubAddress.Kind.MODEL))
            .orElseThrow(() -> badAddress(source, model));
    checkTokenIsSafe();
    HubRepository repository = HubRepository.list(hub, address, source);
    if (!model || address.path().endsWith(".gguf")) {
      RemoteFile file = repository.files().get(address.path());
      if (file == null) {
        throw new TrainerException(
            ExitReason.BAD_PLAN,
            "%s: %s: commit %s holds no file %s"
                .formatted(source.field(), source.uri(), repository.commit(), address.path()));
      }
      return new Downloaded(
          link(source, fileName(address.path()), cache.get(file)), repository.commit());
    }
    Map<String, Path> files =
        HubModel.files(
            source.field() + ": " + source.uri(), repository, address.path(), cache::get);
    Path directory = emptyFolder(source);
    for (Map.Entry<String, Path> file : files.entrySet()) {
      Files.createSymbolicLink(directory.resolve(file.getKey()), file.getValue());
    }
    return new Downloaded(directory, repository.commit());
  }

  private static TrainerException badAddress(SourceSpec source, boolean model) {
    return new TrainerException(
        ExitReason.BAD_PLAN,
        "%s: %s: expected %s"
            .formatted(
                source.field(),
                source.uri(),
                model ? "hf://org/name or hf://org/name/path" : "hf://datasets/org/name/path"));
  }

  /** A token in clear text would be anybody's on the way. */
  private void checkTokenIsSafe() {
    String host = hub.endpoint().getHost();
    boolean safe =
        "https".equals(hub.endpoint().getScheme())
            || host.equals("localhost")
            || host.matches("127(\\.\\d{1,3}){3}");
    if (hub.token() != null && !safe) {
      throw new TrainerException(
          ExitReason.BAD_PLAN, "HF_ENDPOINT: expected https, because HF_TOKEN is to be sent there");
    }
  }

  private Path link(SourceSpec source, String name, Path target) throws IOException {
    return Files.createSymbolicLink(emptyFolder(source).resolve(name), target);
  }

  /** A folder for one source's links; those of an earlier run are removed. */
  private Path emptyFolder(SourceSpec source) throws IOException {
    Path directory = Files.createDirectories(folder.resolve(source.field()));
    try (Stream<Path> links = Files.list(directory)) {
      for (Path link : links.toList()) {
        Files.delete(link);
      }
    }
    return directory;
  }

  /** The last part of a path: its ending tells the format. */
  private static String fileName(String path) {
    String name = path.substring(path.lastIndexOf('/') + 1).replaceAll("[^A-Za-z0-9._-]", "_");
    String end = name.substring(Math.max(0, name.length() - 100));
    return end.isEmpty() || end.startsWith(".") ? "file" + end : end;
  }
}
