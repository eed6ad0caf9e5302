package io.safegrad.local;

import io.safegrad.local.PrometheusServer.Series;
import io.safegrad.monitoring.dashboards.Dashboard;
import io.safegrad.monitoring.dashboards.Panel;
import io.safegrad.monitoring.dashboards.Panel.Query;
import java.awt.BasicStroke;
import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.DoubleFunction;
import java.util.regex.Pattern;
import javax.imageio.ImageIO;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.XYSeries;
import org.knowm.xchart.style.Styler.LegendLayout;
import org.knowm.xchart.style.Styler.LegendPosition;
import org.knowm.xchart.style.XYStyler;
import org.knowm.xchart.style.markers.SeriesMarkers;

/** A dashboard drawn without Grafana, from the answers that its panels got. */
final class PanelPicture {

  private static final int COLUMN = 44;
  private static final int ROW = 36;
  private static final int HEADING = 26;
  private static final Pattern LABEL = Pattern.compile("\\{\\{(\\w+)}}");
  private static final Color INK = new Color(0x22, 0x22, 0x22);
  private static final Color VALUE = new Color(0x1f, 0x77, 0xb4);

  private final Map<Panel, Map<Query, List<Series>>> answers;
  private final Graphics2D graphics;

  private PanelPicture(Map<Panel, Map<Query, List<Series>>> answers, Graphics2D graphics) {
    this.answers = answers;
    this.graphics = graphics;
  }

  /** Draws a dashboard as its grid has it, into a PNG named after it. */
  static void write(Dashboard dashboard, Map<Panel, Map<Query, List<Series>>> answers, Path folder)
      throws IOException {
    BufferedImage page =
        new BufferedImage(24 * COLUMN, 4000, BufferedImage.TYPE_BYTE_INDEXED, palette());
    Graphics2D graphics = page.createGraphics();
    graphics.setColor(Color.WHITE);
    graphics.fillRect(0, 0, page.getWidth(), page.getHeight());
    graphics.setRenderingHint(
        RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
    int height = new PanelPicture(answers, graphics).draw(dashboard);
    graphics.dispose();
    Files.createDirectories(folder);
    ImageIO.write(
        page.getSubimage(0, 0, page.getWidth(), height),
        "png",
        folder.resolve(dashboard.uid() + ".png").toFile());
  }

  /** 216 colors and greys: a picture of lines needs no more, and is small. */
  private static java.awt.image.IndexColorModel palette() {
    int[] colors = new int[256];
    int count = 0;
    for (int red = 0; red < 6; red++) {
      for (int green = 0; green < 6; green++) {
        for (int blue = 0; blue < 6; blue++) {
          colors[count++] = new Color(red * 51, green * 51, blue * 51).getRGB();
        }
      }
    }
    for (int grey = 0; count < 256; grey += 6) {
      colors[count++] = new Color(grey, grey, grey).getRGB();
    }
    return new java.awt.image.IndexColorModel(
        8, 256, colors, 0, false, -1, java.awt.image.DataBuffer.TYPE_BYTE);
  }

  private int draw(Dashboard dashboard) {
    int y = 0;
    for (Dashboard.Row row : dashboard.rows()) {
      text(row.title(), 8, y + HEADING - 8, 15, Font.BOLD, INK);
      y += HEADING;
      int x = 0;
      int height = 0;
      for (Panel panel : row.panels()) {
        if (x + panel.width() > 24) {
          x = 0;
          y += height * ROW;
          height = 0;
        }
        panel(panel, x * COLUMN, y);
        x += panel.width();
        height = Math.max(height, panel.height());
      }
      y += height * ROW;
    }
    return y;
  }

  private void panel(Panel panel, int x, int y) {
    int width = panel.width() * COLUMN - 6;
    int height = panel.height() * ROW - 6;
    switch (panel.display()) {
      case LINES, STACK -> {
        graphics.translate(x + 3, y + 3);
        chart(panel, width, height).paint(graphics, width, height);
        graphics.translate(-x - 3, -y - 3);
      }
      case STAT, NAME, YES_NO -> {
        graphics.setColor(Color.LIGHT_GRAY);
        graphics.setStroke(new BasicStroke(1));
        graphics.drawRect(x + 3, y + 3, width, height);
        text(panel.title(), x + 10, y + 20, 12, Font.BOLD, INK);
        number(panel, x + 10, y + 24, height);
      }
    }
  }

  private void number(Panel panel, int x, int y, int height) {
    List<String> lines = new ArrayList<>();
    DoubleFunction<String> format = format(panel.unit());
    Instant end =
        answers.get(panel).values().stream()
            .flatMap(List::stream)
            .map(series -> series.points().lastKey())
            .max(Instant::compareTo)
            .orElseThrow();
    answers
        .get(panel)
        .forEach(
            (query, all) ->
                all.forEach(
                    series -> {
                      if (panel.display() == Panel.Display.NAME
                          && series.points().lastKey().isBefore(end)) {
                        return;
                      }
                      String name = legend(query, series);
                      String value = format.apply(series.points().lastEntry().getValue());
                      lines.add(
                          switch (panel.display()) {
                            case NAME -> name;
                            case YES_NO -> value + "  " + name;
                            default -> all.size() == 1 ? value : value + "  " + name;
                          });
                    }));
    int size = lines.size() == 1 ? 26 : 13;
    int line = lines.size() == 1 ? 50 : 18;
    for (int n = 0; n < lines.size(); n++) {
      text(lines.get(n), x, y + line * (n + 1), size, Font.PLAIN, VALUE);
    }
  }

  private XYChart chart(Panel panel, int width, int height) {
    XYChart chart = new XYChartBuilder().width(width).height(height).title(panel.title()).build();
    DoubleFunction<String> format = format(panel.unit());
    XYStyler styler = chart.getStyler();
    styler.setChartBackgroundColor(Color.WHITE);
    styler.setChartTitleFont(new Font(Font.SANS_SERIF, Font.BOLD, 12));
    styler.setLegendFont(new Font(Font.SANS_SERIF, Font.PLAIN, 10));
    styler.setLegendPosition(LegendPosition.OutsideS);
    styler.setLegendLayout(fits(panel, width) ? LegendLayout.Horizontal : LegendLayout.Vertical);
    styler.setLegendPadding(2);
    styler.setLegendSeriesLineLength(14);
    styler.setLegendBorderColor(Color.WHITE);
    styler.setDatePattern("HH:mm:ss");
    styler.setAxisTickLabelsFont(new Font(Font.SANS_SERIF, Font.PLAIN, 10));
    styler.setyAxisTickLabelsFormattingFunction(format::apply);
    answers
        .get(panel)
        .forEach((query, all) -> all.forEach(one -> line(chart, legend(query, one), one)));
    return chart;
  }

  private boolean fits(Panel panel, int width) {
    return answers.get(panel).entrySet().stream()
            .flatMap(answer -> answer.getValue().stream().map(one -> legend(answer.getKey(), one)))
            .mapToInt(name -> 30 + 7 * name.length())
            .sum()
        < width;
  }

  private static void line(XYChart chart, String name, Series series) {
    List<Date> times = new ArrayList<>();
    List<Double> values = new ArrayList<>();
    Instant last = null;
    for (Map.Entry<Instant, Double> point : series.points().entrySet()) {
      if (last != null && point.getKey().isAfter(last.plusSeconds(10))) {
        // Where there is nothing, no line is drawn.
        times.add(Date.from(last.plusSeconds(1)));
        values.add(null);
      }
      last = point.getKey();
      times.add(Date.from(last));
      values.add(point.getValue());
    }
    String unique = name;
    for (int n = 2; chart.getSeriesMap().containsKey(unique); n++) {
      unique = name + " " + n;
    }
    XYSeries drawn = chart.addSeries(unique, times, values);
    drawn.setMarker(SeriesMarkers.NONE);
    drawn.setLineWidth(1.5f);
  }

  private static String legend(Query query, Series series) {
    return LABEL
        .matcher(query.legend())
        .replaceAll(label -> Objects.requireNonNullElse(series.labels().get(label.group(1)), ""));
  }

  private static DoubleFunction<String> format(Panel.Unit unit) {
    return switch (unit) {
      case SHARE -> value -> rounded(100 * value) + " %";
      case SECONDS ->
          value -> value > 0 && value < 1 ? rounded(1000 * value) + " ms" : rounded(value) + " s";
      case BYTES -> value -> "%.0f MiB".formatted(value / (1 << 20));
      case YES_NO -> value -> value == 0 ? "No" : "Yes";
      case PER_SECOND, REQUESTS, OPERATIONS -> value -> rounded(value) + "/s";
      case HOURS -> value -> rounded(value) + " h";
      case COUNT, NUMBER -> PanelPicture::rounded;
    };
  }

  private static String rounded(double value) {
    return new BigDecimal(value)
        .round(new MathContext(3, RoundingMode.HALF_UP))
        .stripTrailingZeros()
        .toPlainString();
  }

  private void text(String text, int x, int y, int size, int style, Color color) {
    graphics.setColor(color);
    graphics.setFont(new Font(Font.SANS_SERIF, style, size));
    graphics.drawString(text, x, y);
  }
}
