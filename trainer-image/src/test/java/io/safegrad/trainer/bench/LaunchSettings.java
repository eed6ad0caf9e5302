package io.safegrad.trainer.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * What {@code bin/safegrad-trainer} starts the trainer with, so that a bench's process is what
 * users get.
 *
 * @param options of Java
 * @param variables of the environment, each where none is set
 */
record LaunchSettings(List<String> options, Map<String, String> variables) {

  private static final Pattern VARIABLE =
      Pattern.compile("^export (\\w+)=\\$\\{\\1:-([^}]*)}$", Pattern.MULTILINE);
  private static final Pattern COMMAND =
      Pattern.compile("^exec \"\\$java\"(.*?)\\$\\{JAVA_OPTS", Pattern.MULTILINE | Pattern.DOTALL);

  /**
   * @param script the launch script
   */
  static LaunchSettings of(Path script) throws IOException {
    String text = Files.readString(script);
    Map<String, String> variables = new LinkedHashMap<>();
    Matcher variable = VARIABLE.matcher(text);
    while (variable.find()) {
      variables.put(variable.group(1), variable.group(2));
    }
    Matcher command = COMMAND.matcher(text);
    if (!command.find()) {
      throw new IOException(script + " does not start Java as expected");
    }
    return new LaunchSettings(
        Stream.of(command.group(1).split("[\\s\\\\]+")).filter(each -> !each.isEmpty()).toList(),
        variables);
  }

  /**
   * How threads wait for work: the other side of a comparison gets the same, so that neither counts
   * what it waits.
   */
  Map<String, String> waiting() {
    Map<String, String> waiting = new LinkedHashMap<>(variables);
    waiting.keySet().retainAll(Set.of("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"));
    return waiting;
  }

  /** What starts a program of this class path in a process of its own. */
  List<String> command(Class<?> program) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), program.getName()));
    return command;
  }
}
