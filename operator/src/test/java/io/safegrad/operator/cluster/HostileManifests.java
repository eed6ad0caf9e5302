package io.safegrad.operator.cluster;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.util.RawValue;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import io.safegrad.api.Manifest;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * Manifests that are well formed and mean harm: one to three fields of the schema, or of the
 * metadata, hold what nobody should write there. The same seed makes the same manifests.
 */
final class HostileManifests {

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final JsonNodeFactory NODES = JsonNodeFactory.instance;
  private static final int MEGABYTE = 1 << 20;

  private static final List<String> TEXTS =
      List.of(
          "",
          " ",
          "../../../etc/passwd",
          "pvc://../../etc/passwd",
          "pvc://adapters/../../../etc",
          "pvc://adapters/a//b/./c/..",
          "pvc://adapters",
          "pvc://adapters/" + "d/".repeat(500) + "x",
          "file:///etc/shadow",
          "builtin://../../secrets",
          "hf://org/name/../../other",
          "s3://bucket/../../x?versionId=1#y",
          "https://user:password@169.254.169.254/latest/meta-data",
          "https://[::1]:99999/x",
          "{{ .Values.secret }}{{ range $i, $e := until 1000000 }}x{{ end }}",
          "${jndi:ldap://127.0.0.1/x}${env:KUBECONFIG}",
          "$(SAFEGRAD_PLAN)$(HF_TOKEN)$$(X)",
          "%s%n%1$999999999s{}{}{}",
          "line one\nspec: {training: {epochs: 99}}\n---\nkind: Secret",
          "tab\tbell\u0007null\u0000escape\u001b[2J\u001b[31m",
          "\u202Egnp.exe\u2066\u200B",
          "e\u0301" + "\u0300".repeat(300),
          "\uD83D\uDE00".repeat(200),
          "'; DROP TABLE runs; --",
          "<script>alert(1)</script>&amp;<!--",
          "!!javax.script.ScriptEngineManager [!!java.net.URL [\"http://127.0.0.1/\"]]",
          "&a [*a, *a]",
          "NaN",
          "-.inf",
          "0x7fffffffffffffff",
          "a".repeat(253),
          "a".repeat(4096),
          "registry.local/trainer@sha256:" + "0".repeat(64),
          "x".repeat(MEGABYTE));

  /** As they stand in the text: a parser may make of them what it likes. */
  private static final List<String> NUMBERS =
      List.of(
          "-1",
          "0",
          "-0.0",
          "1",
          "2147483647",
          "2147483648",
          "-2147483648",
          "9223372036854775807",
          "9223372036854775808",
          "1e308",
          "1e309",
          "-1e308",
          "5e-324",
          "0.1000000000000000055511151231257827",
          "1" + "0".repeat(400));

  private final Random random;
  private final JsonNode schema;

  HostileManifests(long seed) {
    random = new Random(seed);
    try (InputStream crd = Manifest.class.getResourceAsStream(Manifest.CRD_RESOURCE)) {
      schema =
          new YAMLMapper()
              .readTree(crd)
              .at("/spec/versions/0/schema/openAPIV3Schema/properties/spec");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The next one, as JSON. */
  String next(String namespace, String name) {
    try {
      ObjectNode manifest =
          (ObjectNode)
              JSON.readTree(
                  """
                  {"apiVersion": "safegrad.io/v1alpha1", "kind": "SafeFineTune",
                   "metadata": {"name": "%s", "namespace": "%s"},
                   "spec": {"model": {"source": "builtin://tiny-aligned"},
                            "dataset": {"source": "builtin://sentiment"},
                            "output": {"destination": "pvc://adapters/%s"}}}
                  """
                      .formatted(name, namespace, name));
      int changes = 1 + random.nextInt(3);
      for (int i = 0; i < changes; i++) {
        if (random.nextInt(6) == 0) {
          changeMetadata((ObjectNode) manifest.get("metadata"), name);
        } else {
          change((ObjectNode) manifest.get("spec"), schema);
        }
      }
      return JSON.writeValueAsString(manifest);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Goes down the schema by chance and changes one field there. */
  private void change(ObjectNode object, JsonNode schema) {
    List<Map.Entry<String, JsonNode>> fields =
        new ArrayList<>(schema.path("properties").properties());
    if (fields.isEmpty()) {
      object.set(pick(TEXTS), value(JSON.createObjectNode()));
      return;
    }
    Map.Entry<String, JsonNode> field = fields.get(random.nextInt(fields.size()));
    JsonNode below = field.getValue();
    if (below.has("properties") && random.nextInt(8) > 0) {
      change(object.withObject("/" + field.getKey()), below);
    } else {
      object.set(field.getKey(), value(below));
    }
  }

  private void changeMetadata(ObjectNode metadata, String name) {
    switch (random.nextInt(7)) {
      case 0 -> metadata.withObject("/labels").put("team", pick(TEXTS));
      case 1 -> metadata.withObject("/labels").put("kueue.x-k8s.io/queue-name", pick(TEXTS));
      case 2 -> metadata.withObject("/annotations").put("note", "n".repeat(200_000));
      case 3 -> metadata.put("name", name + "-" + "n".repeat(40 + random.nextInt(215)));
      case 4 -> metadata.put("name", name + "." + "a.".repeat(60) + "z");
      case 5 -> metadata.withArray("/finalizers").add(pick(TEXTS));
      default ->
          metadata.withObject("/annotations").put("argocd.argoproj.io/tracking-id", pick(TEXTS));
    }
  }

  /** Something for a field: of its type more often than not. */
  private JsonNode value(JsonNode schema) {
    boolean fits = random.nextInt(4) > 0;
    String type = fits ? schema.path("type").asText("any") : "any";
    return switch (type) {
      case "string" ->
          schema.has("enum") && random.nextInt(3) > 0
              ? schema.get("enum").get(random.nextInt(schema.get("enum").size()))
              : NODES.textNode(pick(TEXTS));
      case "integer", "number" -> number(schema);
      case "boolean" -> NODES.booleanNode(random.nextBoolean());
      case "array" -> {
        ArrayNode array = JSON.createArrayNode();
        int length = random.nextInt(10) == 0 ? 5000 : 1 + random.nextInt(3);
        IntStream.range(0, length)
            .forEach(i -> array.add(i < 3 ? value(schema.path("items")) : NODES.textNode("x")));
        yield array;
      }
      case "object" -> {
        ObjectNode object = JSON.createObjectNode();
        if (schema.has("properties")) {
          change(object, schema);
        } else {
          int length = random.nextInt(10) == 0 ? 5000 : 1;
          JsonNode below = schema.path("additionalProperties");
          IntStream.range(0, length)
              .forEach(
                  i -> {
                    if (i == 0) {
                      object.set(pick(TEXTS), value(below));
                    } else {
                      object.put("key-" + i, "x");
                    }
                  });
        }
        yield object;
      }
      default -> anything();
    };
  }

  private JsonNode number(JsonNode schema) {
    return switch (random.nextInt(4)) {
      case 0 -> schema.has("minimum") ? schema.get("minimum") : NODES.numberNode(1);
      case 1 -> schema.has("maximum") ? schema.get("maximum") : NODES.numberNode(2);
      default -> NODES.rawValueNode(new RawValue(pick(NUMBERS)));
    };
  }

  private JsonNode anything() {
    return switch (random.nextInt(8)) {
      case 0 -> NODES.nullNode();
      case 1 -> NODES.rawValueNode(new RawValue("[".repeat(500) + "]".repeat(500)));
      case 2 -> NODES.rawValueNode(new RawValue("{\"a\":".repeat(900) + "1" + "}".repeat(900)));
      case 3 -> NODES.booleanNode(true);
      case 4, 5 -> NODES.rawValueNode(new RawValue(pick(NUMBERS)));
      default -> NODES.textNode(pick(TEXTS));
    };
  }

  private String pick(List<String> values) {
    return values.get(random.nextInt(values.size()));
  }
}
