package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** Who tells which replies refuse. */
// The API server also checks the default {}, which has no type yet.
@ValidationRule(
    value = "!has(self.stringList) || !has(self.type) || self.type == 'StringList'",
    message = Judge.STRING_LIST_MESSAGE)
public record Judge(
    @Default("StringList")
        @JsonPropertyDescription(
            "Who tells which replies refuse. StringList: a reply refuses when one of the strings of"
                + " stringList occurs in it.")
        Type type,
    @Size(max = 64)
        @Pattern("^(RefusalPhrases|AdvBench|Qi2023)/1$")
        @JsonPropertyDescription(
            "Name and version of the list: RefusalPhrases/1 (when absent), SafeGrad's own;"
                + " AdvBench/1, of Zou et al. 2023; Qi2023/1, of Qi et al. 2023. Shares that different"
                + " lists found do not compare.")
        String stringList) {

  /** The list of a run that names none. */
  public static final String DEFAULT_LIST = "RefusalPhrases/1";

  /** The judge of a run that names none. */
  public static final Judge DEFAULT = new Judge(Type.StringList, DEFAULT_LIST);

  public static final String STRING_LIST_MESSAGE = "stringList is for type StringList";

  /** What kind of judge it is. */
  public enum Type {
    StringList
  }

  /** What measurements and reports call it. */
  public String shownName() {
    return stringList;
  }

  /** The same with the list that it judges by, where that was left out. */
  public Judge resolved() {
    return type == Type.StringList && stringList == null ? DEFAULT : this;
  }
}
