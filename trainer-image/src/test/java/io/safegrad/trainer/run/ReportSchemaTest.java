package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.victools.jsonschema.generator.Option;
import com.github.victools.jsonschema.generator.OptionPreset;
import com.github.victools.jsonschema.generator.SchemaGenerator;
import com.github.victools.jsonschema.generator.SchemaGeneratorConfigBuilder;
import com.github.victools.jsonschema.generator.SchemaVersion;
import com.github.victools.jsonschema.module.jackson.JacksonModule;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion;
import io.safegrad.trainer.report.RunReport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The committed schema of report.json; {@code -Dreport.schema.write=true} writes it anew. */
class ReportSchemaTest {

  private static final Path SCHEMA =
      Path.of("src/main/resources/io/safegrad/trainer/report/report.schema.json");

  @TempDir Path folder;

  @Test
  void theCommittedSchemaIsThatOfTheRecords() throws IOException {
    String generated = schema().toPrettyString() + "\n";
    if (Boolean.getBoolean("report.schema.write")) {
      Files.writeString(SCHEMA, generated);
    }
    assertThat(SCHEMA).hasContent(generated);
  }

  @Test
  void aPublishedAndARefusedReportAreValid() throws IOException {
    ToyRun run = new ToyRun(folder);
    assertThat(run.run().code()).isZero();
    JsonNode published = run.report();
    assertThat(validator().validate(published)).isEmpty();

    run.with("gate", "{minRefusalRate: 1}").with("destination", "pvc://adapters/team/refused");
    assertThat(run.run().code()).isEqualTo(67);
    JsonNode refused =
        new ObjectMapper()
            .readTree(run.volume("adapters").resolve("team/refused/report.json").toFile());
    assertThat(validator().validate(refused)).isEmpty();

    ObjectNode another = published.deepCopy();
    another.put("schema", "safegrad.io/report/v2");
    ((ObjectNode) another.path("verdict")).put("reason", "FINE");
    ((ObjectNode) another.path("training")).put("steps", "many");
    another.remove("inputs");
    assertThat(validator().validate(another))
        .extracting(message -> message.getInstanceLocation().toString())
        .contains("$", "$.schema", "$.training.steps", "$.verdict.reason")
        .hasSizeLessThanOrEqualTo(5);
  }

  private static JsonSchema validator() throws IOException {
    return JsonSchemaFactory.getInstance(SpecVersion.VersionFlag.V202012)
        .getSchema(Files.readString(SCHEMA));
  }

  /** Every field is there; what is no primitive, and a number that is not finite, may be null. */
  private static ObjectNode schema() {
    SchemaGeneratorConfigBuilder builder =
        new SchemaGeneratorConfigBuilder(SchemaVersion.DRAFT_2020_12, OptionPreset.PLAIN_JSON)
            .with(Option.MAP_VALUES_AS_ADDITIONAL_PROPERTIES)
            .with(new JacksonModule());
    builder
        .forFields()
        .withRequiredCheck(field -> true)
        .withNullableCheck(
            field ->
                !field.getRawMember().getType().isPrimitive()
                    || field.getRawMember().getType() == double.class);
    ObjectNode schema = new SchemaGenerator(builder.build()).generateSchema(RunReport.class);
    ((ObjectNode) schema.at("/properties/schema")).put("const", RunReport.SCHEMA).remove("type");
    return schema;
  }
}
