package io.safegrad.monitoring.dashboards;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** All dashboards, and the files that are made of them. */
public final class Dashboards {

  private Dashboards() {}

  /** Each dashboard. */
  public static List<Dashboard> all() {
    return List.of(FleetDashboard.create(), RunDashboard.create(), OperatorDashboard.create());
  }

  /** The text of each file by its name. */
  public static Map<String, String> files() {
    Map<String, String> files = new TreeMap<>();
    all().forEach(one -> files.put(one.uid() + ".json", GrafanaJson.of(one)));
    return files;
  }
}
