package io.safegrad.trainer.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Properties;
import org.mozilla.javascript.Context;
import org.mozilla.javascript.Script;
import org.mozilla.javascript.ScriptableObject;

/**
 * Charts as SVG that a page can hold, by Apache ECharts. It runs here, in Rhino, and sees nothing
 * but the numbers: the page has no script. It needs neither fonts nor AWT, so the same report gives
 * the same bytes on every machine.
 */
public final class Charts {

  private static final String WEBJAR = "/META-INF/maven/org.webjars.npm/echarts/pom.properties";
  private static final String LIBRARY =
      "/META-INF/resources/webjars/echarts/%s/dist/echarts.min.js";

  /** Reading a megabyte of JavaScript takes as long as drawing with it: once is enough. */
  private static final List<Script> SCRIPTS = compile();

  private final ObjectMapper json = new ObjectMapper();
  private final ScriptableObject scope;

  /** Reads the drawing library, which takes a second. */
  public Charts() {
    try (Context context = context()) {
      scope = context.initSafeStandardObjects();
      SCRIPTS.forEach(script -> script.exec(context, scope, scope));
    }
  }

  private static List<Script> compile() {
    Properties webjar = new Properties();
    try (Context context = context();
        InputStream properties = Charts.class.getResourceAsStream(WEBJAR)) {
      webjar.load(properties);
      String library = resource(LIBRARY.formatted(webjar.getProperty("version")));
      return List.of(
          context.compileString(library, "echarts.min.js", 1, null),
          context.compileString(resource("charts.js"), "charts.js", 1, null));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /**
   * Draws.
   *
   * @param kind a function of {@code charts.js}
   * @param id of the page's element, unique
   * @param title what it shows, plain words
   * @param description the same for who cannot see it
   * @param data what the function takes
   */
  public String svg(String kind, String id, String title, String description, Object data) {
    try (Context context = context()) {
      Object[] arguments = {json.writeValueAsString(data)};
      return accessible(
          (String) ScriptableObject.callMethod(context, scope, kind, arguments),
          id,
          title,
          description);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(e);
    }
  }

  /** Gives what ECharts drew a size that follows the page, and words. */
  private static String accessible(String svg, String id, String title, String description) {
    String size = svg.substring(svg.indexOf("viewBox="), svg.indexOf('>'));
    // The background would have the same id in every chart.
    String drawn = svg.substring(svg.indexOf('>') + 1).replace(" id=\"0\"", "");
    return "<svg %1$s role=\"img\" aria-labelledby=\"%2$s-t %2$s-d\"><title id=\"%2$s-t\">%3$s</title><desc id=\"%2$s-d\">%4$s</desc>%5$s"
        .formatted(size, id, title, description, drawn);
  }

  private static Context context() {
    Context context = Context.enter();
    // Compiled, its functions would be too large for a Java method.
    context.setInterpretedMode(true);
    context.setLanguageVersion(Context.VERSION_ES6);
    return context;
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = Charts.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }
}
