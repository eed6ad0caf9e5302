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
 * Brings models and data from {@code https://}, {@code hf://} and {@code s3://} addresses into the
 * cache, and lays out links to them under their own names in the workspace.
 */
public final class RemoteSources {

  static final String WEB = "https://";
  static final String HUB = "hf://";

  private final DownloadSettings settings;
  private final HttpTransport transport;
  private final Retries retries;
  private final DownloadCache cache;
  private final S3Sources s3;
  private final Path folder;

  /**
   * @param settings where hub and cache are
   * @param folder receives the links; made when it is needed
   */
  public RemoteSources(DownloadSettings settings, Path folder) {
    this(settings, folder, null, Retries.DEFAULT);
  }

  RemoteSources(DownloadSettings settings, Path folder, SSLSocketFactory sockets, Retries retries) {
    this.settings = settings;
    this.transport = new HttpTransport(sockets);
    this.retries = retries;
    this.cache = new DownloadCache(settings.cache(), new FileDownload(retries, settings.limit()));
    this.s3 = new S3Sources(settings.s3(), settings.secrets(), retries, cache::get);
    this.folder = folder;
  }

  /**
   * What was downloaded.
   *
   * @param path a file, or a directory of a model
   * @param commit that an {@code hf://} address stands for; null for any other
   */
  record Downloaded(Path path, String commit) {}

  static boolean isRemote(String uri) {
    return uri.startsWith(WEB) || uri.startsWith(HUB) || uri.startsWith(S3Address.SCHEME);
  }

  /**
   * Downloads a source, or what is missing of it.
   *
   * @throws TrainerException with BAD_PLAN for an address that is not allowed or that its server
   *     refuses, with SOURCE_UNAVAILABLE when it cannot be reached, with BAD_DATA when it is not
   *     what its digest says
   */
  Downloaded download(SourceSpec source) throws IOException {
    NativeCryptography.use();
    if (source.uri().startsWith(WEB)) {
      return fromWeb(source);
    }
    return source.uri().startsWith(HUB) ? fromHub(source) : fromS3(source);
  }

  private Downloaded fromS3(SourceSpec source) throws IOException {
    S3Address address = S3Address.parse(source.field(), source.uri());
    if (source.isModel() && !address.key().endsWith(".gguf")) {
      return new Downloaded(links(source, s3.model(source, address)), null);
    }
    return new Downloaded(link(source, fileName(address.key()), s3.file(source, address)), null);
  }

  /** A folder that receives results. */
  S3Folder folder(String field, String uri) {
    S3Address address = S3Address.parse(field, uri);
    return new S3Folder(s3.bucket(field, address), address.key(), field + ": " + uri);
  }

  private Downloaded fromWeb(SourceSpec source) throws IOException {
    if (source.digest() == null) {
      throw new TrainerException(
          ExitReason.BAD_PLAN,
          "%s: missing; expected the sha256:… of what is at %s"
              .formatted(source.sibling("digest"), WEB));
    }
    URI address = webAddress(source);
    String label =
        "%s: %s%s%s".formatted(source.field(), WEB, address.getHost(), address.getPath());
    String token = settings.secrets().webToken(source.field());
    RemoteFile file =
        new RemoteFile(
            label,
            address.toString(),
            null,
            Checksum.ofDigest(source.digest()),
            transport.request(
                label, address, token == null ? null : new AccessToken(address, token)));
    return new Downloaded(link(source, fileName(address.getPath()), cache.get(file)), null);
  }

  private static URI webAddress(SourceSpec source) {
    try {
      URI address = new URI(source.uri());
      if (HttpTransport.isPlain(address)) {
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
    boolean model = source.isModel();
    HubAddress address =
        HubAddress.parse(source.uri())
            .filter(parsed -> model == (parsed.kind() == HubAddress.Kind.MODEL))
            .orElseThrow(() -> badAddress(source, model));
    HubRepository repository = HubRepository.list(hub(source.field()), address, source);
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
    String prefix = address.path().isEmpty() ? "" : address.path() + "/";
    Map<String, Path> files =
        ModelFiles.download(
            source.field() + ": " + source.uri(),
            "commit " + repository.commit(),
            ModelFiles.namesIn(prefix, repository.files().keySet()),
            name -> cache.get(repository.files().get(prefix + name)));
    return new Downloaded(links(source, files), repository.commit());
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
  private HubRepository.Hub hub(String field) {
    URI endpoint = settings.hub();
    String token = settings.secrets().hubToken(field);
    boolean safe =
        "https".equals(endpoint.getScheme())
            || endpoint.getHost().equals("localhost")
            || endpoint.getHost().matches("127(\\.\\d{1,3}){3}");
    if (token != null && !safe) {
      throw new TrainerException(
          ExitReason.BAD_PLAN, "HF_ENDPOINT: expected https, because a token is to be sent there");
    }
    return new HubRepository.Hub(
        endpoint, token == null ? null : new AccessToken(endpoint, token), transport, retries);
  }

  private Path links(SourceSpec source, Map<String, Path> files) throws IOException {
    Path directory = emptyFolder(source);
    for (Map.Entry<String, Path> file : files.entrySet()) {
      Files.createSymbolicLink(directory.resolve(file.getKey()), file.getValue());
    }
    return directory;
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
