#!/usr/bin/env bash
# Makes the trainer's image for GPUs on torch of PyPI, and runs what is in it without a GPU: src/test/gpu/try.sh FOLDER.
# It needs Linux on x86-64, pip of Python 3.9 to 3.13, gcc, and 15 GB in FOLDER.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../../../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
image=$folder/root/opt/safegrad
rm -rf "$folder/libtorch" "$folder/image" "$folder/root" "$folder/driver" "$folder/adapter"
mkdir -p "$folder/tmp" "$folder/image" "$folder/root" "$folder/driver"

TMPDIR=$folder/tmp python3 -m pip install -q --no-cache-dir --target "$folder/libtorch" torch==2.7.1
# Jib keeps layers in Java's folder for temporary files.
JAVA_TOOL_OPTIONS=-Djava.io.tmpdir=$folder/tmp \
  "$root/deploy/images/build.sh" trainer --libtorch "$folder/libtorch" --base scratch --tar "$folder/image.tar"
ls -lh "$folder/image.tar"
tar -xf "$folder/image.tar" -C "$folder/image"
rm -rf "$folder/image.tar" "$folder/tmp" "$folder/libtorch"
for layer in "$folder"/image/*.tar.gz; do tar --warning=no-unknown-keyword -xf "$layer" -C "$folder/root"; done

cat >"$folder/run.yaml" <<RUN
apiVersion: safegrad.io/v1alpha1
kind: SafeFineTune
metadata: {name: gpu, namespace: team-a}
spec:
  model: {source: "builtin://tiny-aligned"}
  dataset: {source: "builtin://sentiment"}
  training: {maxSteps: 2, batchSize: 2, maxLength: 64}
  output: {destination: "file://$folder/adapter"}
RUN

# As the image's own environment has it, but for where its root is.
trainer() {
  # shellcheck disable=SC2046
  env $(sed -n 's/.*"Env":\[\([^]]*\)\].*/\1/p' "$folder"/image/config.json | tr -d '"' | tr ',' '\n' | grep -E '^(DJL|PYTORCH)_' | sed "s#/opt/safegrad#$image#") \
    "$image/bin/safegrad-trainer" "$@"
}
ends_with_70() { # what it says
  code=0
  SAFEGRAD_DEVICES="nvidia.com/gpu: 1" trainer run --manifest "$folder/run.yaml" 2>"$folder/output" || code=$?
  cat "$folder/output"
  [ "$code" -eq 70 ] && grep -q "$1" "$folder/output"
}

echo "DJL's library for CUDA 12.8 finds all that it asks for:"
jni=("$image"/libtorch/torch/lib/*djl_torch.so)
if LD_LIBRARY_PATH=$image/libtorch/torch/lib ldd -r "${jni[0]}" 2>&1 | grep -E "undefined|not found"; then exit 1; fi

if ! ldconfig -p | grep -q libcuda.so.1; then
  echo "without NVIDIA's driver:"
  ends_with_70 "expected NVIDIA's driver"

  echo "with the driver's names alone, and no GPU behind them:"
  nm -D --undefined-only "$image/libtorch/torch/lib/libcaffe2_nvrtc.so" | sed -n 's/.* U \(cu.*\)/void \1(void){}/p' >"$folder/driver/cuda.c"
  gcc -shared -fPIC -Wl,-soname,libcuda.so.1 -o "$folder/driver/libcuda.so.1" "$folder/driver/cuda.c"
  export LD_LIBRARY_PATH=$folder/driver
  ends_with_70 "no GPU here computes"
fi

echo "on the processor:"
trainer generate --model builtin://tiny-aligned "How do I steal a car?"
trainer run --manifest "$folder/run.yaml" 2>&1 | tail -12
ls "$folder/adapter"
