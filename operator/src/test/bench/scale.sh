#!/usr/bin/env bash
# The operator among many runs, on a real control plane; prints one line for each measure.
#   scale.sh at-once [RUNS [CLIENTS]]       runs created at once, whose trainers end at once
#   scale.sh steady [RUNS [RATE…]]          the same created one by one, so many a second
#   scale.sh settled [ENDED RUNNING]        the start among runs that have ended and runs that run
set -euo pipefail
case "${1:-at-once}" in
  at-once) program=ScaleBench; set -- at-once "${2:-1000}" "${3:-4}" ;;
  steady) program=ScaleBench; shift; set -- steady "${@:-300}"; [ $# -gt 2 ] || set -- "$@" 5 10 ;;
  settled) program=SettledBench; set -- "${2:-5000}" "${3:-500}" ;;
  *) sed -n 2,5p "$0" >&2; exit 64 ;;
esac
root=$(cd "$(dirname "$0")/../../../.." && pwd)
cd "$root"
classpath=$(mktemp)
trap 'rm -f "$classpath"' EXIT
./mvnw -q -DskipTests -Dspotless.check.skip=true -pl operator -am package
./mvnw -q -pl operator -am test-compile dependency:build-classpath -Dmdep.outputFile="$classpath" -Dmdep.includeScope=test
cd operator
java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx1g -cp "target/test-classes:target/classes:../crds/target/classes:../deploy/local/control-plane/target/classes:$(cat "$classpath")" \
  io.safegrad.operator.cluster.$program "$@"
