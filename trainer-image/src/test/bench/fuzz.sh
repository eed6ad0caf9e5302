#!/usr/bin/env bash
# Has Jazzer make 100,000 inputs for each reader and prints how they ended; what ended badly is left in TMPDIR.
#   fuzz.sh [--readers PARQUET,GGUF] [--inputs 100000] [--seed 1] [--heap 256m]
set -euo pipefail
root=$(cd "$(dirname "$0")/../../../.." && pwd)
cd "$root"
classpath=$(mktemp)
trap 'rm -f "$classpath"' EXIT
./mvnw -q -pl trainer-image -am test-compile dependency:build-classpath -Dmdep.outputFile="$classpath" -Dmdep.includeScope=test
cd trainer-image
java -cp "target/test-classes:target/classes:../crds/target/classes:$(cat "$classpath")" \
  -Djava.io.tmpdir="${TMPDIR:-/tmp}" -Xmx128m io.safegrad.trainer.fuzz.FuzzReaders "$@"
