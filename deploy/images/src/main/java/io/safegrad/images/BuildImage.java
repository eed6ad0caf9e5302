package io.safegrad.images;

import com.google.cloud.tools.jib.api.Containerizer;
import com.google.cloud.tools.jib.api.DockerDaemonImage;
import com.google.cloud.tools.jib.api.ImageReference;
import com.google.cloud.tools.jib.api.Jib;
import com.google.cloud.tools.jib.api.JibContainer;
import com.google.cloud.tools.jib.api.JibContainerBuilder;
import com.google.cloud.tools.jib.api.RegistryImage;
import com.google.cloud.tools.jib.api.TarImage;
import com.google.cloud.tools.jib.frontend.CredentialRetrieverFactory;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What {@code deploy/images/build.sh} runs after the build. */
@Command(
    name = "deploy/images/build.sh",
    description = "Makes the image of the operator or of the trainer, without a Docker daemon.")
final class BuildImage implements Callable<Integer> {

  private static final String VERSION = "0.1.0";

  /** The images there are. */
  enum Part {
    operator,
    trainer
  }

  @Parameters(paramLabel = "operator|trainer", description = "Whose image.")
  private Part part;

  @ArgGroup(multiplicity = "1")
  private Destination destination;

  @Option(
      names = "--name",
      paramLabel = "<name>",
      description = "The image's name; ghcr.io/safegrad/<part>:" + VERSION + " if not given.")
  private String name;

  @Option(
      names = "--base",
      paramLabel = "<image>",
      description = {
        "The image to stand on, in place of the one that is pinned by digest: a name in a registry,",
        "tar://<file>, docker://<name>, or scratch."
      })
  private String base;

  @Option(
      names = "--libtorch",
      paramLabel = "<folder>",
      description = {
        "The trainer's image for GPUs: on this libtorch, as its zip unpacks or as pip installs torch",
        "(--target <folder>), in place of the one for CPUs."
      })
  private Path libtorch;

  @Option(
      names = "--architecture",
      paramLabel = "<name>",
      description = {
        "amd64 or arm64; this machine's if not given. A trainer's libraries have to be of it."
      })
  private Architecture architecture = Architecture.OF_THIS_MACHINE;

  @Option(names = "--repository", hidden = true, required = true)
  private Path repository;

  @Option(names = "--natives", hidden = true)
  private Path natives;

  @Option(
      names = {"-h", "--help"},
      usageHelp = true,
      description = "Show this help.")
  private boolean help;

  /** Where the image goes. */
  private static final class Destination {

    @Option(
        names = "--tar",
        paramLabel = "<file>",
        description = "Write it as a file that docker load and kind load image-archive read.")
    private Path tar;

    @Option(names = "--docker", description = "Give it to the Docker daemon.")
    private boolean docker;

    @Option(names = "--push", description = "Push it, with the credentials of docker login.")
    private boolean push;
  }

  /** Exit code 0: the image is where it should be; 1: it is not; 2: wrong usage. */
  public static void main(String[] arguments) {
    CommandLine commandLine = new CommandLine(new BuildImage());
    commandLine.setExecutionExceptionHandler(
        (exception, command, parsed) -> {
          System.err.println("error: " + exception.getMessage());
          return 1;
        });
    System.exit(commandLine.execute(arguments));
  }

  @Override
  public Integer call() throws Exception {
    Libtorch torch = libtorch == null ? null : Libtorch.of(libtorch);
    String version = torch == null ? VERSION : VERSION + "-" + torch.flavor();
    String target = name == null ? "ghcr.io/safegrad/" + part + ":" + version : name;
    Recipe recipe = recipe(torch);
    JibContainer image =
        recipe
            .on(from(base == null ? recipe.base() : base), architecture, VERSION)
            .containerize(containerizer(target).setToolName("safegrad-images"));
    System.out.println(target + " " + image.getDigest());
    return 0;
  }

  private Recipe recipe(Libtorch torch) throws IOException {
    if (part == Part.operator) {
      return Recipe.operator(repository);
    }
    architecture.requireLibraries(natives);
    return torch == null
        ? Recipe.trainer(repository, natives)
        : Recipe.trainer(repository, natives, torch);
  }

  private static JibContainerBuilder from(String base) throws Exception {
    return base.equals("scratch") ? Jib.fromScratch() : Jib.from(base);
  }

  private Containerizer containerizer(String target) throws Exception {
    if (destination.tar != null) {
      return Containerizer.to(TarImage.at(destination.tar).named(target));
    }
    if (destination.docker) {
      return Containerizer.to(DockerDaemonImage.named(target));
    }
    CredentialRetrieverFactory credentials =
        CredentialRetrieverFactory.forImage(
            ImageReference.parse(target), event -> System.err.println(event.getMessage()));
    return Containerizer.to(
        RegistryImage.named(target).addCredentialRetriever(credentials.dockerConfig()));
  }
}
