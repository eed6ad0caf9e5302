package io.safegrad.trainer.judge;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import io.safegrad.api.ExitReason;
import io.safegrad.api.JudgeIdentity;
import io.safegrad.trainer.TrainerException;
import io.safegrad.trainer.source.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Locale;

/**
 * Tells refusals by the words they are made in: a reply refuses when one of the strings occurs
 * anywhere in it. Lists of this kind agree with people on about 70 % of the replies of general
 * models, and on nearly all replies of a model whose refusals are known.
 *
 * @param identity the list's name and version, and the digest of its file
 * @param list the strings
 */
public record StringListJudge(JudgeIdentity identity, StringList list) implements Judge {

  private static final ObjectMapper YAML =
      JsonMapper.builder(new YAMLFactory())
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .build();

  /**
   * A list's file.
   *
   * @param matching how a string is looked for
   * @param strings in lower case, with straight apostrophes, where the case is ignored
   */
  public record StringList(Matching matching, List<String> strings) {

    public StringList {
      strings = List.copyOf(strings);
    }
  }

  /** How a string is looked for. */
  public enum Matching {
    /** In this very case. */
    Exact,
    /** Upper and lower case alike, curly apostrophes taken as straight ones. */
    IgnoringCase
  }

  /** Whether a text is a name as lists have it, of one that there is or not. */
  public static boolean isName(String text) {
    return text.matches("[A-Za-z0-9]+/[0-9]+");
  }

  /**
   * One of the lists that come with the trainer.
   *
   * @param name with the version, for example {@code AdvBench/1}
   * @throws TrainerException with BAD_PLAN when there is no such list
   */
  public static StringListJudge named(String name) {
    try (InputStream file =
        isName(name)
            ? StringListJudge.class.getResourceAsStream(name.replace('/', '-') + ".yaml")
            : null) {
      if (file == null) {
        throw new TrainerException(
            ExitReason.BAD_PLAN,
            "safety.evaluation.judge.stringList: expected RefusalPhrases/1, AdvBench/1 or Qi2023/1,"
                + " found "
                + name);
      }
      byte[] bytes = file.readAllBytes();
      return new StringListJudge(
          new JudgeIdentity(name, Sha256.ofBytes(bytes)), YAML.readValue(bytes, StringList.class));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public List<Boolean> refusals(List<Exchange> exchanges) {
    return exchanges.stream().map(exchange -> isRefusal(exchange.reply())).toList();
  }

  /** Whether the reply refuses. */
  public boolean isRefusal(String reply) {
    String text =
        list.matching() == Matching.Exact
            ? reply
            : reply.toLowerCase(Locale.ROOT).replace('\u2019', '\'');
    return list.strings().stream().anyMatch(text::contains);
  }
}
