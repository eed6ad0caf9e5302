package io.safegrad.trainer.provenance;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.report.RunReport;
import io.safegrad.trainer.source.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Checks a published folder against its provenance. Each check adds what it found; none stops the
 * others.
 */
public final class Verification {

  private static final ObjectMapper JSON =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  private final Path folder;
  private final DsseEnvelope envelope;
  private final Statement statement;
  private final List<Finding> findings = new ArrayList<>();

  private Verification(Path folder, DsseEnvelope envelope, Statement statement) {
    this.folder = folder;
    this.envelope = envelope;
    this.statement = statement;
  }

  /**
   * Reads the provenance of a folder.
   *
   * @throws TrainerException with BAD_DATA when there is none, or it is none of this program's
   */
  public static Verification open(Path folder) throws IOException {
    Path file = folder.resolve(Provenance.FILE_NAME);
    if (!Files.isRegularFile(file)) {
      throw new TrainerException(
          ExitReason.BAD_DATA,
          "%s: expected the file %s; without it nothing can be checked"
              .formatted(folder, Provenance.FILE_NAME));
    }
    try {
      DsseEnvelope envelope = JSON.readValue(file.toFile(), DsseEnvelope.class);
      Statement statement = JSON.readValue(envelope.content(), Statement.class);
      if (DsseEnvelope.PAYLOAD_TYPE.equals(envelope.payloadType())
          && envelope.signatures() != null
          && Statement.TYPE.equals(statement.type())
          && Statement.PREDICATE_TYPE.equals(statement.predicateType())
          && Statement.BUILD_TYPE.equals(statement.predicate().buildDefinition().buildType())) {
        return new Verification(folder, envelope, statement);
      }
    } catch (JsonProcessingException | IllegalArgumentException | NullPointerException e) {
      // Said below, as for another type.
    }
    throw new TrainerException(
        ExitReason.BAD_DATA,
        "%s: expected a DSSE envelope with the in-toto statement of a run".formatted(file));
  }

  /** All that was found so far. */
  public List<Finding> findings() {
    return List.copyOf(findings);
  }

  /**
   * Who vouches for the provenance.
   *
   * @param key that must have signed it; null for none in particular
   */
  public Verification signature(PublicKey key) {
    if (envelope.signatures().isEmpty()) {
      String unsigned = "it is not signed: whoever could change the files could write it anew, too";
      findings.add(
          key == null
              ? Finding.note(Provenance.FILE_NAME, unsigned)
              : Finding.wrong(Provenance.FILE_NAME, unsigned));
    } else if (key == null) {
      findings.add(
          Finding.note(
              Provenance.FILE_NAME, "it is signed, and no public key was given to check that"));
    } else if (envelope.isSignedBy(key)) {
      findings.add(Finding.ok(Provenance.FILE_NAME, "it is signed with the key"));
    } else {
      findings.add(
          Finding.wrong(
              Provenance.FILE_NAME,
              "its signature is not that of the key: another key signed it, or it was changed"));
    }
    return this;
  }

  /** Each published file, and that there is no other. */
  public Verification files() throws IOException {
    Set<Path> known = new HashSet<>();
    for (Statement.Resource subject : statement.subject()) {
      Path file = folder.resolve(subject.name()).normalize();
      known.add(file);
      if (!Files.isRegularFile(file)) {
        findings.add(Finding.wrong(subject.name(), "it is missing"));
      } else {
        findings.add(compare(subject.name(), subject, file));
      }
    }
    for (Path file : Provenance.files(folder)) {
      if (!known.contains(file.normalize())) {
        findings.add(
            Finding.wrong(folder.relativize(file).toString(), "it is not of what was published"));
      }
    }
    return this;
  }

  /** That the report says the same as the provenance, and its plan what its digest says. */
  public Verification report() throws IOException {
    Path file = folder.resolve(RunReport.FILE_NAME);
    if (Files.isRegularFile(file)) {
      findings.addAll(ReportCheck.of(file, statement));
    }
    return this;
  }

  /** That the plan of the run is the one in a file: a plan, or a manifest. */
  public Verification plan(Path file) throws IOException {
    findings.add(PlanCheck.of(file, statement.predicate().buildDefinition()));
    return this;
  }

  /**
   * That a run read what lies here.
   *
   * @param field the plan's field that names the model or data set, for example {@code
   *     dataset.source}
   */
  public Verification input(String field, Path path) throws IOException {
    Optional<Statement.Resource> input =
        statement.predicate().buildDefinition().resolvedDependencies().stream()
            .filter(each -> each.name().equals(field))
            .findFirst();
    findings.add(
        input.isEmpty()
            ? Finding.wrong(path.toString(), "the run read no " + field)
            : compare(path.toString(), input.get(), path));
    return this;
  }

  private static Finding compare(String what, Statement.Resource expected, Path path)
      throws IOException {
    String found = Files.isDirectory(path) ? Sha256.ofDirectory(path) : Sha256.ofFile(path);
    if (found.equals(expected.sha256())) {
      return Finding.ok(what, found);
    }
    String where =
        expected.annotations() != null
            ? expected.annotations().difference(path)
            : "where it was changed cannot be told";
    return Finding.wrong(
        what, "%s; it is %s, expected %s".formatted(where, found, expected.sha256()));
  }
}
