package io.safegrad.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** Who tells which replies refuse. */
// The API server also checks the default {}, which has no type yet.
@ValidationRule(
    value = "!has(self.stringList) || !has(self.type) || self.type == 'StringList'",
    message = Judge.STRING_LIST_MESSAGE)
@ValidationRule(
    value = "!has(self.type) || has(self.endpoint) == (self.type == 'Endpoint')",
    message = Judge.ENDPOINT_MESSAGE)
@ValidationRule(
    value = "!has(self.type) || has(self.classifier) == (self.type == 'Classifier')",
    message = Judge.CLASSIFIER_MESSAGE)
public record Judge(
    @Default("StringList")
        @JsonPropertyDescription(
            "Who tells which replies refuse. StringList: a reply refuses when one of the strings of"
                + " stringList occurs in it. Classifier: a sequence classifier, which runs in the pod,"
                + " gives it a label. Endpoint: a language model at endpoint is asked, which gets"
                + " prompts and replies.")
        Type type,
    @Size(max = 64)
        @Pattern("^(RefusalPhrases|AdvBench|Qi2023)/1$")
        @JsonPropertyDescription(
            "Name and version of the list: RefusalPhrases/1 (when absent), SafeGrad's own;"
                + " AdvBench/1, of Zou et al. 2023; Qi2023/1, of Qi et al. 2023. Shares that different"
                + " lists found do not compare.")
        String stringList,
    @JsonPropertyDescription("The model of type Classifier.") Classifier classifier,
    @JsonPropertyDescription("The language model of type Endpoint.") Endpoint endpoint) {

  /** The prompt of an endpoint that names none. */
  public static final String DEFAULT_PROMPT = "RefusalVerdict/1";

  /** The list of a run that names none. */
  public static final String DEFAULT_LIST = "RefusalPhrases/1";

  /** The judge of a run that names none. */
  public static final Judge DEFAULT = new Judge(Type.StringList, DEFAULT_LIST, null, null);

  /** Where a token may be sent: it is read by nobody on the way. */
  public static final String TOKEN_MAY_GO =
      "^(https://|http://(localhost|127[.][0-9]+[.][0-9]+[.][0-9]+)(:|/|$)).*";

  public static final String TOKEN_MESSAGE =
      "a token is sent to an https:// baseUrl only, or to this machine itself";
  public static final String STRING_LIST_MESSAGE = "stringList is for type StringList";

  public static final String CLASSIFIER_MESSAGE = "type Classifier, and no other, needs classifier";

  public static final String ENDPOINT_MESSAGE = "type Endpoint, and no other, needs endpoint";

  /** What kind of judge it is. */
  public enum Type {
    StringList,
    Classifier,
    Endpoint
  }

  /** A model that tells what kind of text an exchange is. Bounds as those of {@link Endpoint}. */
  @ValidationRule(value = Sources.DIGEST_RULE, message = Sources.DIGEST_MESSAGE)
  @ValidationRule(value = Sources.REVISION_RULE, message = Sources.REVISION_MESSAGE)
  public record Classifier(
      @Required
          @Size(min = 1, max = 512)
          @Pattern(Sources.MODEL)
          @JsonPropertyDescription(
              "A Hugging Face directory (config.json, safetensors, tokenizer.json) of a"
                  + " ForSequenceClassification class of the families of model.source, at any address"
                  + " that model.source may be. Its Secret is evaluation.secretRef.")
          String source,
      @Size(max = 64) @Pattern(Sources.REVISION) @JsonPropertyDescription(Sources.REVISION_DOC)
          String revision,
      @Pattern(Sources.DIGEST) @JsonPropertyDescription(Sources.DIGEST_DOC) String digest,
      @Required
          @Size(min = 1, max = 64)
          @Pattern("^[A-Za-z0-9][A-Za-z0-9 ._/:+-]*$")
          @JsonPropertyDescription(
              "The label that means refusal, of those in id2label of config.json. A reply refuses"
                  + " when this label's logit is the largest; where several labels may hold at once"
                  + " (multi_label_classification), when it is above 0.")
          String label) {}

  /**
   * A language model that is asked over HTTP, in OpenAI's form. A policy's judge stands in the
   * run's status as one value of at most 1024 characters, hence the bounds.
   */
  @ValidationRule(
      value =
          "!has(self.secretRef) || !has(self.baseUrl) || self.baseUrl.matches('"
              + TOKEN_MAY_GO
              + "')",
      message = Judge.TOKEN_MESSAGE)
  public record Endpoint(
      @Required
          @Size(min = 1, max = 384)
          @Pattern("^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*$")
          @JsonPropertyDescription(
              "The address of OpenAI's interface up to its version, for example https://host/v1;"
                  + " /chat/completions below it is asked. Prompts and replies are sent there.")
          String baseUrl,
      @Required
          @Size(min = 1, max = 128)
          @Pattern("^[A-Za-z0-9._:/@-]+$")
          @JsonPropertyDescription("The model's name at the endpoint.")
          String model,
      @JsonPropertyDescription(
              "A Secret in the run's namespace whose key token is sent as the bearer token. For"
                  + " https:// alone, or an address of the pod itself (127.0.0.1).")
          SecretReference secretRef,
      @Default("RefusalVerdict/1")
          @Size(max = 64)
          @Pattern("^RefusalVerdict/1$")
          @JsonPropertyDescription("Name and version of the prompt that asks for a verdict.")
          String prompt,
      @Default("60")
          @Min(1)
          @Max(600)
          @JsonPropertyDescription(
              "Most seconds that one request takes, its whole answer included.")
          Integer timeoutSeconds,
      @Default("5")
          @Min(0)
          @Max(20)
          @JsonPropertyDescription(
              "How often a request is made again after no answer, 429 or a status above 499.")
          Integer maxRetries,
      @Default("5000")
          @Min(1)
          @Max(1000000)
          @JsonPropertyDescription(
              "Most requests of one attempt of the run, retries among them. Each reply to a harmful"
                  + " or harmless prompt takes one, before and after training.")
          Integer maxRequests,
      @Min(1)
          @Max(1000000000000L)
          @JsonPropertyDescription(
              "Tokens, as the endpoint counts them, after which no further request is made. Not"
                  + " counted when absent.")
          Long maxTokens) {

    public Endpoint {
      prompt = prompt == null ? DEFAULT_PROMPT : prompt;
      timeoutSeconds = timeoutSeconds == null ? (Integer) 60 : timeoutSeconds;
      maxRetries = maxRetries == null ? (Integer) 5 : maxRetries;
      maxRequests = maxRequests == null ? (Integer) 5000 : maxRequests;
    }
  }

  /** What measurements and reports call it. */
  public String shownName() {
    if (classifier != null) {
      return "label %s of %s".formatted(classifier.label, classifier.source);
    }
    return endpoint == null
        ? stringList
        : "%s at %s by %s".formatted(endpoint.model, endpoint.baseUrl, endpoint.prompt);
  }

  /** The same with the list that it judges by, where that was left out. */
  public Judge resolved() {
    return type == Type.StringList && stringList == null
        ? new Judge(type, DEFAULT_LIST, classifier, endpoint)
        : this;
  }
}
