package io.safegrad.trainer.source;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Turns the addresses of a plan into paths on this machine.
 *
 * <ul>
 *   <li>{@code builtin://name}: shipped with the trainer, laid out in the workspace;
 *   <li>{@code pvc://claim/path}: below the folder at which the claim is mounted, and never outside
 *       of it, through {@code ..} or a symbolic link;
 *   <li>{@code file:///path}: as it is; nothing in it is percent-decoded;
 *   <li>{@code https://}, {@code hf://} and {@code s3://}: downloaded, see {@link RemoteSources}.
 * </ul>
 */
public final class SourceResolver {

  private static final String BUILTIN = "builtin://";
  private static final String CLAIM = "pvc://";
  private static final String FILE = "file://";

  private final Path volumes;
  private final boolean claimsAreMounted;
  private final Path workspace;
  private final RemoteSources remote;

  /**
   * @param volumes the folder in which each claim is mounted under its name
   * @param claimsAreMounted whether a destination's claim must be there already
   * @param workspace receives what is built in
   * @param remote brings what is elsewhere
   */
  public SourceResolver(
      Path volumes, boolean claimsAreMounted, Path workspace, RemoteSources remote) {
    this.volumes = volumes.toAbsolutePath().normalize();
    this.claimsAreMounted = claimsAreMounted;
    this.workspace = workspace;
    this.remote = remote;
  }

  /**
   * Finds a model or a data set and takes its digest.
   *
   * @throws TrainerException with BAD_PLAN for an address that is not allowed, with
   *     SOURCE_UNAVAILABLE when there is nothing at it or it cannot be read, with BAD_DATA when its
   *     digest is not the expected one
   */
  public Source resolve(SourceSpec spec) {
    String field = spec.field();
    String uri = spec.uri();
    if (spec.revision() != null && !uri.startsWith(RemoteSources.HUB)) {
      throw badPlan(
          spec.sibling("revision"), "only an hf:// source has one; found " + spec.shownUri());
    }
    try {
      if (RemoteSources.isRemote(uri)) {
        checkNoControls(field, uri);
        RemoteSources.Downloaded downloaded = remote.download(spec);
        return source(spec, downloaded.path(), downloaded.commit());
      }
      Path path = locate(field, uri);
      if (!Files.exists(path)) {
        throw new TrainerException(
            ExitReason.SOURCE_UNAVAILABLE,
            "%s: %s does not exist; looked at %s".formatted(field, uri, path));
      }
      if (uri.startsWith(CLAIM)) {
        checkStaysInside(field, uri, path);
      }
      return source(spec, path, null);
    } catch (IOException | UncheckedIOException e) {
      throw new TrainerException(
          ExitReason.SOURCE_UNAVAILABLE,
          "%s: %s cannot be read: %s".formatted(field, spec.shownUri(), e.getMessage()),
          e);
    }
  }

  private static Source source(SourceSpec spec, Path path, String commit) throws IOException {
    SortedMap<String, String> files =
        Files.isDirectory(path) ? Sha256.ofEachFile(path) : new TreeMap<>();
    String digest = Files.isDirectory(path) ? Sha256.ofFiles(files) : Sha256.ofFile(path);
    if (spec.digest() != null && !spec.digest().equals(digest)) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "%s: %s has %s; expected %s"
              .formatted(spec.sibling("digest"), spec.shownUri(), digest, spec.digest()));
    }
    return new Source(spec.field(), spec.shownUri(), path, commit, digest, files);
  }

  /**
   * The folder that receives the results; it need not exist yet.
   *
   * @throws TrainerException with BAD_PLAN for an address that is not allowed, with
   *     SOURCE_UNAVAILABLE when the claim is not mounted
   */
  public Path destination(String field, String uri) {
    if (uri.startsWith(BUILTIN) || RemoteSources.isRemote(uri)) {
      throw badPlan(field, uri + " cannot be written; expected file:///path or pvc://claim/path");
    }
    Path path = locate(field, uri);
    if (uri.startsWith(CLAIM)) {
      checkClaim(field, uri, path);
    }
    return path;
  }

  /** Whether a destination is a folder of S3, and not one that is mounted. */
  public static boolean isObjectStore(String uri) {
    return uri.startsWith(S3Address.SCHEME);
  }

  /**
   * The folder of S3 that receives the results; nothing is asked yet.
   *
   * @throws TrainerException with BAD_PLAN for an address that is not allowed
   */
  public S3Folder objectStore(String field, String uri) {
    checkNoControls(field, uri);
    return remote.folder(field, uri);
  }

  /** A folder for files of this run. */
  public Path workspace() {
    return workspace;
  }

  private void checkClaim(String field, String uri, Path path) {
    Path claim = claimOf(uri);
    if (!Files.isDirectory(claim)) {
      if (claimsAreMounted) {
        throw new TrainerException(
            ExitReason.SOURCE_UNAVAILABLE,
            "%s: claim %s is not mounted; expected the folder %s"
                .formatted(field, claim.getFileName(), claim));
      }
      return;
    }
    Path existing = path;
    while (!Files.exists(existing)) {
      existing = existing.getParent();
    }
    try {
      checkInside(field, uri, existing, claim.toRealPath());
    } catch (IOException e) {
      throw new TrainerException(
          ExitReason.SOURCE_UNAVAILABLE,
          "%s: %s cannot be read: %s".formatted(field, uri, e.getMessage()),
          e);
    }
  }

  private Path claimOf(String uri) {
    String rest = uri.substring(CLAIM.length());
    return volumes.resolve(rest.substring(0, rest.indexOf('/')));
  }

  private static void checkNoControls(String field, String uri) {
    if (uri.chars().anyMatch(Character::isISOControl)) {
      throw badPlan(field, "expected an address without control characters");
    }
  }

  private Path locate(String field, String uri) {
    checkNoControls(field, uri);
    try {
      if (uri.startsWith(BUILTIN)) {
        String name = uri.substring(BUILTIN.length());
        if (!BuiltinSource.contains(name)) {
          throw badPlan(field, BuiltinSource.unknown(name));
        }
        return BuiltinSource.materialise(name, workspace);
      }
      if (uri.startsWith(CLAIM) && uri.indexOf('/', CLAIM.length()) > CLAIM.length()) {
        Path claim = claimOf(uri);
        String inside = uri.substring(uri.indexOf('/', CLAIM.length()) + 1);
        Path path = claim.resolve(inside.replaceAll("^/+", "")).normalize();
        boolean climbs = List.of(inside.split("/")).contains("..");
        if (climbs || !volumes.equals(claim.normalize().getParent()) || path.equals(claim)) {
          throw badPlan(
              field,
              uri + " leaves its claim or names none of its files; expected pvc://claim/path");
        }
        return path;
      }
      if (uri.startsWith(FILE + "/")) {
        return Path.of(uri.substring(FILE.length())).normalize();
      }
    } catch (InvalidPathException e) {
      throw badPlan(field, "the address is no path: " + e.getReason());
    }
    throw badPlan(
        field,
        uri
            + " is not supported; expected builtin://name, file:///path, pvc://claim/path,"
            + " https://host/path, hf:// or s3://bucket/key");
  }

  /** A model directory may hold links, as the Hugging Face cache does; each must stay inside. */
  private void checkStaysInside(String field, String uri, Path path) throws IOException {
    Path claim = claimOf(uri).toRealPath();
    checkInside(field, uri, path, claim);
    if (Files.isDirectory(path)) {
      for (Path file : Sha256.filesOf(path)) {
        checkInside(field, uri, file, claim);
      }
    }
  }

  private static void checkInside(String field, String uri, Path path, Path claim)
      throws IOException {
    if (!path.toRealPath().startsWith(claim)) {
      throw badPlan(
          field,
          "%s leaves its claim: %s is a link to the outside".formatted(uri, path.getFileName()));
    }
  }

  private static TrainerException badPlan(String field, String message) {
    return new TrainerException(ExitReason.BAD_PLAN, field + ": " + message);
  }
}
