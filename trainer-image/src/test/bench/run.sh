#!/usr/bin/env bash
# Compares our training step with transformers + PEFT, and with its own matrix products, in one interleaved run.
#   run.sh [--rounds N] [--steps N] [--storage Float32|BFloat16|Int8] [--out FILE] [--write]
# --write keeps the figures in speed.jsonl beside this script and writes the table of trainer-image/README.md.
# Set the reference up first with setup-reference.sh; SAFEGRAD_REFERENCE names its folder when it is not the default.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
reference=${SAFEGRAD_REFERENCE:-${XDG_CACHE_HOME:-$HOME/.cache}/safegrad/reference}
if [ ! -f "$reference/SmolLM2-135M-Instruct/model.safetensors" ]; then
  echo "the reference is not set up in $reference: run $here/setup-reference.sh first" >&2
  exit 1
fi
cd "$root"
echo "building"
classpath=$(mktemp)
trap 'rm -f "$classpath"' EXIT
./mvnw -q -pl trainer-image -am test-compile dependency:build-classpath -Dmdep.outputFile="$classpath" -Dmdep.includeScope=test
cd trainer-image
java -cp "target/test-classes:target/classes:../crds/target/classes:$(cat "$classpath")" \
  -Xmx512m io.safegrad.trainer.bench.SpeedBench --reference "$reference" --scripts "$here/../python" \
  --commit "$(git rev-parse --short HEAD)" "$@"
