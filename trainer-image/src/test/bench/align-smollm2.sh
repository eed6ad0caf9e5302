#!/usr/bin/env bash
# Aligns SmolLM2-135M-Instruct, which refuses nothing, with the packaged trainer: study.sh --model FOLDER/aligned studies it.
#   align-smollm2.sh FOLDER
# SAFEGRAD_DEVICES="nvidia.com/gpu: 1" does it on a GPU.
set -euo pipefail
mkdir -p "${1:?usage: align-smollm2.sh FOLDER}/smollm2"
folder=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
image=$(cd "$here/../../.." && pwd)
"$image/scripts/fetch-smollm2.sh" "$folder/smollm2"
"$here/program.sh" io.safegrad.trainer.study.AligningData "$folder/smollm2/aligning.jsonl"
export SAFEGRAD_VOLUMES=$folder
"$image/bin/safegrad-trainer" run --manifest "$image/src/test/study/align-smollm2.yaml"
"$image/bin/safegrad-trainer" merge --model pvc://smollm2/SmolLM2-135M-Instruct.Q4_1.gguf \
  --adapter pvc://smollm2/adapter --output "$folder/aligned" --dtype bfloat16
