#!/usr/bin/env bash
# Makes data sets of 50 MB and 5 GB, reads each as a run does, and prints memory and time. Needs twice the size of room in TMPDIR.
#   streaming.sh [--model FOLDER] [--megabytes 50,5000] [--form JSON_LINES|JSON_LINES_GZIP|CSV|PARQUET] [--heap 256m]
set -euo pipefail
root=$(cd "$(dirname "$0")/../../../.." && pwd)
cd "$root"
classpath=$(mktemp)
trap 'rm -f "$classpath"' EXIT
./mvnw -q -pl trainer-image -am test-compile dependency:build-classpath -Dmdep.outputFile="$classpath" -Dmdep.includeScope=test
cd trainer-image
java -cp "target/test-classes:target/classes:../crds/target/classes:$(cat "$classpath")" \
  -Djava.io.tmpdir="${TMPDIR:-/tmp}" -Xmx128m io.safegrad.trainer.streaming.StreamingBench "$@"
