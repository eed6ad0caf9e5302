package io.safegrad.trainer.command;

import io.safegrad.api.ExitReason;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.provenance.Finding;
import io.safegrad.trainer.provenance.PemKey;
import io.safegrad.trainer.provenance.Verification;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.ParentCommand;

/** {@code safegrad-trainer verify}. */
@Command(
    name = "verify",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Says whether what a run published is as the run left it: each file, the report, the plan, the"
          + " signature; and whether the run read the data that is given.",
      "Where a file was changed is said as far as it can be known."
    },
    footer = {
      "",
      "Example:",
      "  safegrad-trainer verify --public-key platform.pem --data train.jsonl ./adapters/support-bot"
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      " 0:all is as it was published",
      "64:the command line is wrong",
      "65:something was changed, or cannot be checked",
      "69:there is nothing at a path",
      "70:a fault of the program or of its machine"
    })
final class VerifyCommand implements Callable<Integer> {

  @ParentCommand private TrainerCommand trainer;

  @Option(
      names = "--public-key",
      paramLabel = "FILE",
      description = "The key that must have signed: PEM, Ed25519 or ECDSA P-256.")
  private Path publicKey;

  @Option(
      names = "--data",
      paramLabel = "FILE",
      description = "The data that dataset.source named.")
  private Path data;

  @Option(
      names = "--plan",
      paramLabel = "FILE",
      description = "The plan, or the manifest where no policy had a say.")
  private Path plan;

  @Option(
      names = "--input",
      paramLabel = "FIELD=PATH",
      description = "Another input by the plan's field, for example model.source=./model.")
  private Map<String, Path> inputs = new LinkedHashMap<>();

  @Parameters(paramLabel = "DIR", description = "What a run published, on this machine.")
  private Path folder;

  @Override
  public Integer call() throws IOException {
    requireThere(folder);
    Verification verification =
        Verification.open(folder)
            .signature(publicKey == null ? null : PemKey.readPublic("--public-key", publicKey))
            .files()
            .report();
    if (plan != null) {
      requireThere(plan);
      verification.plan(plan);
    }
    if (data != null) {
      inputs.put("dataset.source", data);
    }
    for (Map.Entry<String, Path> input : inputs.entrySet()) {
      requireThere(input.getValue());
      verification.input(input.getKey(), input.getValue());
    }
    return tell(verification.findings());
  }

  private int tell(List<Finding> findings) {
    int wrong = 0;
    for (Finding finding : findings) {
      wrong += finding.status() == Finding.Status.WRONG ? 1 : 0;
      trainer
          .context()
          .out()
          .printf("%-5s %s: %s%n", finding.status(), finding.what(), finding.message());
    }
    if (wrong == 0) {
      return ExitReason.SUCCESS.code();
    }
    throw new TrainerException(
        ExitReason.BAD_DATA,
        "%s is not as it was published: %d of %d checks failed"
            .formatted(folder, wrong, findings.size()));
  }

  private static void requireThere(Path path) {
    if (!Files.exists(path)) {
      throw new TrainerException(ExitReason.SOURCE_UNAVAILABLE, "there is nothing at " + path);
    }
  }
}
