#!/usr/bin/env bash
# Breaks everything that may break under a real control plane; prints one line for each class of failure.
#   failures.sh
set -euo pipefail
root=$(cd "$(dirname "$0")/../../../.." && pwd)
cd "$root"
classpath=$(mktemp)
trap 'rm -f "$classpath"' EXIT
./mvnw -q -DskipTests -Dspotless.check.skip=true -pl operator -am package
./mvnw -q -pl operator -am test-compile dependency:build-classpath -Dmdep.outputFile="$classpath" -Dmdep.includeScope=test
cd operator
java -XX:+UseSerialGC -Xmx512m -cp "target/test-classes:target/classes:../crds/target/classes:../deploy/local/control-plane/target/classes:$(cat "$classpath")" \
  io.safegrad.operator.cluster.FailuresBench "$@"
