package io.safegrad.local.node;

import io.fabric8.kubernetes.api.model.Container;
import io.fabric8.kubernetes.api.model.EnvFromSource;
import io.fabric8.kubernetes.api.model.EnvVar;
import io.fabric8.kubernetes.api.model.EnvVarSource;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.api.model.VolumeMount;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The environment and the arguments of a container's process. Values that are paths of a mount (or
 * of a folder that holds mounts, or of the termination message) become paths of this machine.
 */
final class ContainerEnvironment {

  private static final Pattern REFERENCE = Pattern.compile("\\$\\(([A-Za-z_][A-Za-z0-9_.-]*)\\)");

  private final Pod pod;
  private final Container container;
  private final String address;
  private final PodDirectory directory;
  private final Volumes volumes;

  ContainerEnvironment(
      Pod pod, Container container, String address, PodDirectory directory, Volumes volumes) {
    this.pod = pod;
    this.container = container;
    this.address = address;
    this.directory = directory;
    this.volumes = volumes;
  }

  /** The whole environment: the image's, this machine's few variables, and the container's own. */
  Map<String, String> variables(Image image) throws NotRunnableException {
    Map<String, String> variables = new LinkedHashMap<>();
    variables.put("PATH", System.getenv("PATH"));
    variables.put("JAVA_HOME", System.getProperty("java.home"));
    variables.put("LANG", "C.UTF-8");
    variables.put("HOME", directory.home(container).toString());
    variables.put("TMPDIR", directory.temporary(container).toString());
    variables.put("HOSTNAME", pod.getMetadata().getName());
    image
        .environment()
        .forEach((name, value) -> variables.put(name, expand(value, Map.of("POD_IP", address))));
    variables.putAll(volumes.apiAccess().variables(container, directory));
    variables.putAll(declared());
    String message = directory.terminationLog(container).toString();
    variables.put("SAFEGRAD_TERMINATION_LOG", message);
    return variables;
  }

  /** The command line: the image's entry point and the container's arguments. */
  List<String> command(Image image) throws NotRunnableException {
    Map<String, String> declared = declared();
    List<String> command = new ArrayList<>(image.entryPoint());
    for (String argument : container.getArgs()) {
      command.add(onThisMachine(expand(argument, declared)));
    }
    return command;
  }

  private Map<String, String> declared() throws NotRunnableException {
    Map<String, String> variables = new LinkedHashMap<>();
    for (EnvFromSource source : container.getEnvFrom()) {
      String prefix = source.getPrefix() == null ? "" : source.getPrefix();
      data(source).forEach((key, value) -> variables.put(prefix + key, text(value)));
    }
    for (EnvVar variable : container.getEnv()) {
      String value =
          variable.getValueFrom() == null
              ? expand(variable.getValue() == null ? "" : variable.getValue(), variables)
              : referenced(variable.getValueFrom());
      if (value != null) {
        variables.put(variable.getName(), onThisMachine(value));
      }
    }
    return variables;
  }

  private Map<String, byte[]> data(EnvFromSource source) throws NotRunnableException {
    String namespace = pod.getMetadata().getNamespace();
    if (source.getConfigMapRef() != null) {
      var reference = source.getConfigMapRef();
      boolean optional = Boolean.TRUE.equals(reference.getOptional());
      return volumes.configMap(namespace, reference.getName(), optional);
    }
    var reference = source.getSecretRef();
    boolean optional = Boolean.TRUE.equals(reference.getOptional());
    return volumes.secret(namespace, reference.getName(), optional);
  }

  /** The value that a reference stands for; null when it is optional and missing. */
  private String referenced(EnvVarSource source) throws NotRunnableException {
    String namespace = pod.getMetadata().getNamespace();
    if (source.getFieldRef() != null) {
      return FieldReferences.field(pod, address, source.getFieldRef().getFieldPath());
    }
    if (source.getResourceFieldRef() != null) {
      var reference = source.getResourceFieldRef();
      return FieldReferences.resource(container, reference.getResource(), reference.getDivisor());
    }
    if (source.getConfigMapKeyRef() != null) {
      var reference = source.getConfigMapKeyRef();
      boolean optional = Boolean.TRUE.equals(reference.getOptional());
      return valueOf(
          volumes.configMap(namespace, reference.getName(), optional),
          reference.getKey(),
          "configmap " + reference.getName(),
          optional);
    }
    if (source.getSecretKeyRef() != null) {
      var reference = source.getSecretKeyRef();
      boolean optional = Boolean.TRUE.equals(reference.getOptional());
      return valueOf(
          volumes.secret(namespace, reference.getName(), optional),
          reference.getKey(),
          "secret " + reference.getName(),
          optional);
    }
    throw NotRunnableException.configuration("a valueFrom of a kind that this node does not know");
  }

  private static String valueOf(
      Map<String, byte[]> data, String key, String owner, boolean optional)
      throws NotRunnableException {
    byte[] value = data.get(key);
    if (value == null && !optional) {
      throw NotRunnableException.configuration("couldn't find key " + key + " in " + owner);
    }
    return value == null ? null : text(value);
  }

  /** Kubernetes' {@code $(NAME)}; what is not known stays as it is. */
  private static String expand(String text, Map<String, String> variables) {
    return REFERENCE
        .matcher(text)
        .replaceAll(
            match ->
                Matcher.quoteReplacement(variables.getOrDefault(match.group(1), match.group())));
  }

  private String onThisMachine(String value) {
    if (!value.startsWith("/") || value.length() == 1) {
      return value;
    }
    boolean mounted =
        container.getVolumeMounts().stream()
            .map(VolumeMount::getMountPath)
            .anyMatch(mount -> holds(mount, value) || holds(value, mount));
    return mounted || value.equals(container.getTerminationMessagePath())
        ? directory.inside(container, value).toString()
        : value;
  }

  private static boolean holds(String folder, String path) {
    String prefix = folder.endsWith("/") ? folder : folder + "/";
    return path.equals(folder) || path.startsWith(prefix);
  }

  private static String text(byte[] value) {
    return new String(value, StandardCharsets.UTF_8);
  }
}
