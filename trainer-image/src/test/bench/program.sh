#!/usr/bin/env bash
# Runs a program of the tests, such as io.safegrad.trainer.bench.PackingBench or io.safegrad.trainer.model.ParityTable.
#   program.sh CLASS [ARGUMENT...]
set -euo pipefail
root=$(cd "$(dirname "$0")/../../../.." && pwd)
cd "$root"
classpath=$(mktemp)
trap 'rm -f "$classpath"' EXIT
./mvnw -q -pl trainer-image -am test-compile dependency:build-classpath -Dmdep.outputFile="$classpath" -Dmdep.includeScope=test
# Threads wait as the trainer's do.
eval "$(grep -E '^export (OMP_WAIT_POLICY|GOMP_SPINCOUNT)=' trainer-image/bin/safegrad-trainer)"
java -XX:+UseSerialGC -Xmx512m \
  -cp "trainer-image/target/test-classes:trainer-image/target/classes:crds/target/classes:$(cat "$classpath")" "$@"
