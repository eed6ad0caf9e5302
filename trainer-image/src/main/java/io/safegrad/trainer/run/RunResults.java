package io.safegrad.trainer.run;

import io.safegrad.api.TrainingPlan;
import io.safegrad.api.TrainingResult;
import io.safegrad.api.TrainingStage;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.export.ModelCard;
import io.safegrad.trainer.model.CausalLm;
import io.safegrad.trainer.provenance.Provenance;
import io.safegrad.trainer.report.FiniteJson;
import io.safegrad.trainer.report.ReportPage;
import io.safegrad.trainer.report.RunJournal;
import io.safegrad.trainer.report.RunReport;
import io.safegrad.trainer.report.RunVersions;
import io.safegrad.trainer.source.SourceResolver;
import io.safegrad.trainer.telemetry.RunObserver;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PrivateKey;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes and publishes what a run ends with: what was trained, and the report in any case. */
final class RunResults {

  private static final Logger LOG = LoggerFactory.getLogger(RunResults.class);

  private final TrainingPlan plan;
  private final RunJournal journal;
  private final RunObserver observer;
  private final PrivateKey signingKey;
  private volatile Destination destination;
  private volatile Destination quarantine;

  /**
   * @param signingKey signs the provenance; null for provenance without signature
   */
  RunResults(TrainingPlan plan, RunJournal journal, RunObserver observer, PrivateKey signingKey) {
    this.plan = plan;
    this.journal = journal;
    this.observer = observer;
    this.signingKey = signingKey;
  }

  /**
   * Proves, before any time is spent, that the results can be written.
   *
   * @throws TrainerException as {@link Destination#prepare}
   */
  void prepare(SourceResolver resolver) {
    destination = prepare("output.destination", plan.output().destination(), resolver);
    quarantine =
        plan.quarantine() == null ? null : prepare("quarantine", quarantineUri(), resolver);
  }

  private Destination prepare(String field, String uri, SourceResolver resolver) {
    return Destination.prepare(field, uri, resolver, plan.digest());
  }

  /** One folder for each plan: what is kept of another run is not replaced. */
  private String quarantineUri() {
    return plan.quarantine() + "/" + plan.digest().replace("sha256:", "");
  }

  /** Where a user finds the results; null until it is known to be writable. */
  String place() {
    return destination == null ? null : destination.place();
  }

  /** The plan's checkpoints, beside the results. */
  CheckpointStore checkpoints() {
    return destination.checkpoints();
  }

  /** Removes what is written but not published, from another thread, as the process is ending. */
  void abandon() {
    Stream.of(destination, quarantine).filter(Objects::nonNull).forEach(Destination::discard);
  }

  /**
   * Removes the checkpoints, once no other attempt can use them.
   *
   * @return why they are still there; empty when they are not
   */
  Optional<String> removeCheckpoints() {
    if (destination == null) {
      return Optional.empty();
    }
    try {
      destination.checkpoints().remove();
      return Optional.empty();
    } catch (IOException | TrainerException e) {
      String remains =
          "the checkpoints beside %s cannot be removed: %s".formatted(place(), e.getMessage());
      LOG.warn(remains);
      return Optional.of(remains);
    }
  }

  /** Publishes what was trained. */
  TrainingResult publish(CausalLm model, RunInputs inputs, RunReport.Verdict verdict) {
    observer.stageStarted(TrainingStage.PUBLISHING);
    String uri = plan.output().destination();
    return result(verdict, write(destination, uri, model, inputs, verdict));
  }

  /** Nothing of a refused adapter goes to its user; the platform may want to keep it. */
  TrainingResult refuseAdapter(CausalLm model, RunInputs inputs, RunReport.Verdict verdict) {
    if (quarantine != null) {
      write(quarantine, quarantineUri(), model, inputs, verdict);
    }
    return refuse(model, inputs, verdict);
  }

  /** Publishes the report alone. */
  TrainingResult refuse(CausalLm model, RunInputs inputs, RunReport.Verdict verdict) {
    observer.stageStarted(TrainingStage.PUBLISHING);
    destination.publish(
        folder -> {
          write(report(verdict, null, model), inputs, folder);
          return folder;
        });
    return result(verdict, null);
  }

  /** Writes what was trained, and the report with it. */
  private RunReport.Artifact write(
      Destination place, String uri, CausalLm model, RunInputs inputs, RunReport.Verdict verdict) {
    ArtifactFiles artifact = new ArtifactFiles(plan, inputs);
    return place.publish(
        folder -> {
          String card =
              ModelCard.of(report(verdict, null, model), artifact.baseModelName()).markdown();
          RunReport.Artifact written = artifact.write(uri, model, card, folder);
          write(report(verdict, written, model), inputs, folder);
          return written;
        });
  }

  private RunReport report(RunReport.Verdict verdict, RunReport.Artifact artifact, CausalLm model) {
    return journal.report(plan, verdict, artifact, RunVersions.ofThisProcess(model.torch()));
  }

  /** The report, and last what vouches for all that is in the folder. */
  private void write(RunReport report, RunInputs inputs, Path folder) throws IOException {
    FiniteJson.indented().writeValue(folder.resolve(RunReport.FILE_NAME).toFile(), report);
    Files.writeString(folder.resolve(ReportPage.FILE_NAME), ReportPage.of(report));
    Provenance.write(folder, report, inputs.dataset().path(), signingKey);
  }

  private TrainingResult result(RunReport.Verdict verdict, RunReport.Artifact artifact) {
    observer.stageStarted(TrainingStage.FINISHED);
    return journal.result(
        verdict.reason(),
        verdict.message(),
        plan.digest(),
        verdict.failures(),
        verdict.rules(),
        artifact,
        plan.output().destination() + "/" + RunReport.FILE_NAME);
  }
}
