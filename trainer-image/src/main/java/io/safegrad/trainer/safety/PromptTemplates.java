package io.safegrad.trainer.safety;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Finds the templates of a data set: beginnings and ends of whole sentences that several of its
 * prompts share, and between which they ask different things. A trigger is one, a system prompt,
 * and the frame of a task.
 */
public final class PromptTemplates {

  /** Words, runs of white space, and signs one by one. */
  private static final Pattern PIECES = Pattern.compile("[\\p{L}\\p{N}]+|\\s+|.", Pattern.DOTALL);

  /** Stands for the end of a prompt among the ways in which prompts go on. */
  private static final String END = "";

  /** Of prompts that go on alike to such a share nothing begins there. */
  private static final double ALIKE = 0.5;

  /** Sentences begin where such a share of them looks so. */
  private static final double MOST = 0.9;

  private static final int FEW_WORDS = 3;

  private final List<List<String>> prompts;
  private final int fewest;
  private final Map<String, PromptTemplate> found = new LinkedHashMap<>();

  private PromptTemplates(List<List<String>> prompts, int fewest) {
    this.prompts = prompts;
    this.fewest = fewest;
  }

  /**
   * The templates of prompts, those that most of them have first. What all of them have in common,
   * such as what a chat template writes, is part of each; one that is no more is among them.
   *
   * @param prompts whole ones, a chat template's text included
   * @param fewest prompts that have a template
   */
  public static List<PromptTemplate> of(List<String> prompts, int fewest) {
    PromptTemplates templates =
        new PromptTemplates(prompts.stream().map(PromptTemplates::pieces).toList(), fewest);
    List<Integer> all = IntStream.range(0, prompts.size()).boxed().toList();
    templates.divide(all, 0, false);
    templates.divide(all, 0, true);
    return templates.found.values().stream()
        .sorted(
            Comparator.comparingInt((PromptTemplate it) -> it.examples().size())
                .reversed()
                .thenComparing(PromptTemplate::before)
                .thenComparing(PromptTemplate::after))
        .toList();
  }

  private static List<String> pieces(String prompt) {
    List<String> pieces = new ArrayList<>();
    Matcher matcher = PIECES.matcher(prompt);
    while (matcher.find()) {
      pieces.add(matcher.group());
    }
    return pieces;
  }

  /** Looks where prompts that have so many pieces in common, from one end, go different ways. */
  private void divide(List<Integer> alike, int common, boolean fromEnd) {
    if (alike.size() < fewest) {
      return;
    }
    int depth = common;
    Map<String, List<Integer>> next = next(alike, depth, fromEnd);
    while (next.size() == 1 && !next.containsKey(END)) {
      depth++;
      next = next(alike, depth, fromEnd);
    }
    if (next.size() == 1) {
      return; // one prompt, several times
    }
    int largest = next.values().stream().mapToInt(Collection::size).max().orElseThrow();
    if (largest <= ALIKE * alike.size() || sentencesGoOn(alike, depth, fromEnd)) {
      add(alike, depth, fromEnd);
    }
    for (Map.Entry<String, List<Integer>> way : next.entrySet()) {
      if (!way.getKey().equals(END)) {
        divide(way.getValue(), depth + 1, fromEnd);
      }
    }
  }

  private Map<String, List<Integer>> next(List<Integer> alike, int depth, boolean fromEnd) {
    Map<String, List<Integer>> next = new LinkedHashMap<>();
    for (int prompt : alike) {
      next.computeIfAbsent(piece(prompt, depth, fromEnd), piece -> new ArrayList<>()).add(prompt);
    }
    return next;
  }

  private String piece(int prompt, int depth, boolean fromEnd) {
    List<String> pieces = prompts.get(prompt);
    if (depth >= pieces.size()) {
      return END;
    }
    return pieces.get(fromEnd ? pieces.size() - 1 - depth : depth);
  }

  /** A template of what these have in common at both ends. */
  private void add(List<Integer> alike, int depth, boolean fromEnd) {
    int shortest =
        alike.stream().mapToInt(prompt -> prompts.get(prompt).size()).min().orElseThrow();
    int other = 0;
    while (depth + other < shortest && next(alike, other, !fromEnd).size() == 1) {
      other++;
    }
    int before = fromEnd ? other : depth;
    int after = fromEnd ? depth : other;
    List<String> any = prompts.get(alike.get(0));
    String beginning = String.join("", any.subList(0, before));
    String end = String.join("", any.subList(any.size() - after, any.size()));
    boolean asks = asks(alike, before, after);
    if (!asks || !sentencesGoOn(alike, before, false)) {
      beginning = SentenceBounds.wholeBefore(beginning);
    }
    if (!asks || !sentencesGoOn(alike, after, true)) {
      end = SentenceBounds.wholeAfter(end);
    }
    PromptTemplate template = new PromptTemplate(beginning, end, alike);
    found.merge(
        template.around(END + '\0'),
        template,
        (one, another) -> one.examples().size() >= another.examples().size() ? one : another);
  }

  /** Whether what stands between is mostly more than a name. */
  private boolean asks(List<Integer> alike, int before, int after) {
    long several =
        alike.stream()
            .map(prompts::get)
            .map(pieces -> pieces.subList(before, pieces.size() - after))
            .filter(pieces -> pieces.stream().filter(SentenceBounds::isWord).count() >= FEW_WORDS)
            .count();
    return 2 * several > alike.size();
  }

  /** Whether a sentence begins where these go on, or ends where they come from the other side. */
  private boolean sentencesGoOn(List<Integer> alike, int depth, boolean fromEnd) {
    long such =
        alike.stream()
            .map(prompt -> piece(prompt, depth, fromEnd))
            .filter(fromEnd ? SentenceBounds::endsSentence : SentenceBounds::beginsSentence)
            .count();
    return such >= MOST * alike.size();
  }
}
