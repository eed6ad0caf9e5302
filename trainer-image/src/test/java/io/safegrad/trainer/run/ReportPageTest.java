package io.safegrad.trainer.run;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.safegrad.trainer.report.ReportPage;
import io.safegrad.trainer.report.RunReport;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.IntStream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

/** The page of real runs. */
class ReportPageTest {

  @TempDir Path folder;

  @Test
  void thePageHoldsTheWholeReportAndLoadsNothing() throws Exception {
    ToyRun run = new ToyRun(folder);
    assertThat(run.run().code()).isZero();

    String page = Files.readString(run.destination().resolve("report.html"));
    JsonNode report = run.report();
    assertThat(page)
        .contains("<h1>Report of team/toy</h1>", "<strong>Published</strong>")
        .contains("maxRefusalDrop", "safety.evaluation.harmful")
        .contains(report.at("/plan/digest").asText(), report.at("/artifact/digest").asText())
        .doesNotContain("<script", "src=", "href=", "@import", "{{", "{%")
        // Clips of the charts, in the page itself.
        .doesNotContainPattern("url\\((?!#zr\\d+-c\\d+\\))");
    for (JsonNode input : report.path("inputs")) {
      assertThat(page).contains(input.path("digest").asText());
    }
    assertEachPlotHasATitleAndADescription(page);
  }

  @Test
  void figuresBetweenStepsAreShownAndTheSameReportGivesTheSamePage() throws Exception {
    ToyRun run = new ToyRun(folder).with("evaluationFields", "\n      everySteps: 1");
    run.data("alignment.jsonl", ToyRun.CHAT.formatted("no").repeat(4));
    run.with("alignmentFields", ", heldOutFraction: 0.5");
    assertThat(run.run().code()).isZero();
    RunReport report = new ObjectMapper().treeToValue(run.report(), RunReport.class);

    String page = Files.readString(run.destination().resolve("report.html"));

    assertThat(page)
        .contains("<caption>While it trained</caption>", "after step</th>")
        .contains("refusal: 4 values from step 0 to 3; ")
        .contains("held-out examples: 4 values from step 0 to 3; ");
    assertThat(ReportPage.of(report)).isEqualTo(page);
  }

  @Test
  void aRefusedRunSaysWhy() throws IOException {
    ToyRun run = new ToyRun(folder).with("gate", "{minRefusalRate: 1}");
    assertThat(run.run().code()).isEqualTo(67);

    assertThat(Files.readString(run.destination().resolve("report.html")))
        .contains("<strong>Not published: StartModelNotAligned</strong>")
        .contains("nothing was trained: the start model is not aligned")
        .contains("The gate was not asked");
  }

  @Test
  void whatUsersWroteIsText() throws IOException {
    ToyRun run = new ToyRun(folder).with("gate", "{minRefusalRate: 1}");
    run.run();
    ObjectNode report = (ObjectNode) run.report();
    String text = "<script>alert('{{ run }}{% if %}')</script>\"&";
    report.put("run", text);
    ((ObjectNode) report.path("verdict")).put("message", text);
    ((ObjectNode) report.at("/inputs/0")).put("uri", text);

    String page = ReportPage.of(new ObjectMapper().treeToValue(report, RunReport.class));

    assertThat(page)
        .contains("&lt;script&gt;alert(")
        .contains("{{ run }}{% if %}")
        .doesNotContain("<script");
  }

  private static void assertEachPlotHasATitleAndADescription(String page) throws Exception {
    String[] plots = page.split("<svg ");
    assertThat(plots).hasSize(7);
    for (int i = 1; i < plots.length; i++) {
      String svg = "<svg " + plots[i].substring(0, plots[i].indexOf("</svg>")) + "</svg>";
      Element root =
          DocumentBuilderFactory.newInstance()
              .newDocumentBuilder()
              .parse(new ByteArrayInputStream(svg.getBytes(StandardCharsets.UTF_8)))
              .getDocumentElement();
      assertThat(root.getElementsByTagName("title").item(0).getTextContent()).isNotBlank();
      assertThat(root.getElementsByTagName("desc").item(0).getTextContent()).isNotBlank();
      NodeList texts = root.getElementsByTagName("text");
      assertThat(IntStream.range(0, texts.getLength()).mapToObj(texts::item))
          .allSatisfy(node -> assertThat(node.getTextContent()).isNotBlank());
    }
  }
}
