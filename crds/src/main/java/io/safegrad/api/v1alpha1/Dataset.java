package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** The examples a run learns from. */
@ValidationRule(value = Sources.DIGEST_RULE, message = Sources.DIGEST_MESSAGE)
@ValidationRule(value = Sources.REVISION_RULE, message = Sources.REVISION_MESSAGE)
@ValidationRule(value = Sources.SECRET_RULE, message = Sources.SECRET_MESSAGE)
public record Dataset(
    @Required
        @Size(min = 1, max = 1024)
        @Pattern(Sources.DATA)
        @JsonPropertyDescription(
            "A file of examples: builtin://name, file:///path, pvc://claim/path,"
                + " hf://datasets/org/name/path, https://host/path or s3://bucket/key. JSON Lines, CSV with a header"
                + " (.csv), either of them in gzip, or Parquet.")
        String source,
    @Size(max = 255) @Pattern(Sources.REVISION) @JsonPropertyDescription(Sources.REVISION_DOC)
        String revision,
    @Pattern(Sources.DIGEST) @JsonPropertyDescription(Sources.DIGEST_DOC) String digest,
    @JsonPropertyDescription(
            "The fields of each example. Chat: messages, a list of {role, content}. Instruction:"
                + " instruction, output, and input where there is one. PromptCompletion: prompt and"
                + " completion. Text: text. Told by the first example's fields when absent.")
        Format format,
    @Default("LastTurn")
        @JsonPropertyDescription(
            "Which replies of a chat the loss is taken on. LastTurn: the assistant's last turn."
                + " AllTurns: every turn of the assistant. For the other formats it is the output,"
                + " the completion or the whole text.")
        TrainOn trainOn,
    @Default("KeepStart")
        @JsonPropertyDescription(
            "What is done with an example of more than training.maxLength tokens. KeepStart: its"
                + " end is cut off. Drop: it is left out. Refuse: the run ends with an error that"
                + " names it. How many were cut and left out stands in the report.")
        Truncation truncation,
    @Default("0.0")
        @Min(0)
        @Max(0.5)
        @JsonPropertyDescription(
            "Share of the examples that is not trained on. Which ones is a matter of training.seed;"
                + " the loss on them is measured before and after training and stands in the"
                + " report. 0 holds nothing back.")
        Double validationFraction,
    @JsonPropertyDescription(Sources.SECRET_DOC) SecretReference secretRef) {

  /** What an example is made of. */
  public enum Format {
    Chat,
    Instruction,
    PromptCompletion,
    Text
  }

  /** What is done with an example that is too long. */
  public enum Truncation {
    KeepStart,
    Drop,
    Refuse
  }

  /** The assistant's turns that are trained on. */
  public enum TrainOn {
    LastTurn,
    AllTurns
  }
}
