#!/usr/bin/env bash
# Many runs at once against a real control plane, with trainers that end at once; prints one line for each measure.
#   scale.sh [RESOURCES]
set -euo pipefail
root=$(cd "$(dirname "$0")/../../../.." && pwd)
cd "$root"
classpath=$(mktemp)
trap 'rm -f "$classpath"' EXIT
./mvnw -q -DskipTests -Dspotless.check.skip=true package
./mvnw -q -pl operator -am test-compile dependency:build-classpath -Dmdep.outputFile="$classpath" -Dmdep.includeScope=test
cd operator
exec java -XX:+UseSerialGC -Xmx512m -cp "target/test-classes:target/classes:../crds/target/classes:../deploy/local/control-plane/target/classes:$(cat "$classpath")" \
  io.safegrad.operator.cluster.ScaleBench "$@"
