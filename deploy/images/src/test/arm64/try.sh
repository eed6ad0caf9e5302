#!/usr/bin/env bash
# Makes both images for arm64 on an x86-64 machine with Debian, and runs what is in them on Debian's Java for arm64,
# under QEMU: src/test/arm64/try.sh FOLDER. Debian's packages are unpacked into FOLDER; nothing is installed.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../../../.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
emulator=$folder/emulator/usr/bin/qemu-aarch64-static
arm=$folder/debian

debian() { # Debian's packages, with lists of their own
  mkdir -p "$folder/apt/lists/partial" "$folder/apt/archives/partial"
  : >"$folder/apt/status"
  cat >"$folder/apt.conf" <<CONF
Dir::State::status "$folder/apt/status";
Dir::State::Lists "$folder/apt/lists";
Dir::Cache::Archives "$folder/apt/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::sourcelist "/etc/apt/sources.list.d/debian.sources";
APT::Architecture "arm64";
APT::Architectures { "arm64"; };
CONF
  APT_CONFIG=$folder/apt.conf apt-get -q update
  APT_CONFIG=$folder/apt.conf apt-get -q -y --no-install-recommends -d install openjdk-17-jre-headless libstdc++6 libgomp1
  (cd "$folder/apt" && apt-get -q download qemu-user-static:amd64)
  mkdir -p "$arm" "$folder/emulator"
  for package in "$folder"/apt/archives/*.deb; do dpkg-deb -x "$package" "$arm"; done
  dpkg-deb -x "$folder"/apt/qemu-user-static*.deb "$folder/emulator"
}
[ -x "$emulator" ] || debian

# A JAVA_HOME for the launch script, whose own words are the same on every processor.
mkdir -p "$folder/java/bin"
cat >"$folder/java/bin/java" <<JAVA
#!/bin/sh
exec "$emulator" -L "$arm" "$arm/usr/lib/jvm/java-17-openjdk-arm64/bin/java" "\$@"
JAVA
chmod +x "$folder/java/bin/java"
"$folder/java/bin/java" -XshowSettings:properties -version 2>&1 | grep -E "os.arch|java.version ="

rm -rf "$folder/source" "$folder/djl" "$folder"/operator* "$folder"/trainer*
mkdir -p "$folder/source"
git -C "$root" archive HEAD | tar -x -C "$folder/source"
(cd "$folder/source" && ./mvnw -q -B -ntp -Dmaven.test.skip=true -Dspotless.check.skip=true -Dpytorch.platform=linux-aarch64 \
  -Dcorretto-crypto.platform=linux-aarch_64 \
  -pl operator,trainer-image,deploy/images -am package)

# As build.sh does: its first use unpacks libtorch.
JAVA_HOME=$folder/java DJL_CACHE_DIR=$folder/djl "$folder/source/trainer-image/bin/safegrad-trainer" \
  generate --model builtin://tiny-aligned --max-new-tokens 1 hello >/dev/null
find "$folder/djl" -name 'libtorch_cpu.so' -exec file -L {} + | cut -d, -f1-2

for part in operator trainer; do
  java -jar "$folder/source/deploy/images/target/safegrad-images.jar" --repository "$folder/source" \
    --natives "$folder/djl" "$part" --architecture arm64 --base scratch --tar "$folder/$part.tar"
  mkdir -p "$folder/$part/image" "$folder/$part/root"
  tar -xf "$folder/$part.tar" -C "$folder/$part/image"
  for layer in "$folder/$part"/image/*.tar.gz; do
    tar --warning=no-unknown-keyword -xf "$layer" -C "$folder/$part/root"
  done
  grep -ohE '"architecture":"[a-z0-9]+"' "$folder/$part"/image/*.json | sort -u
done

echo "the operator, without a cluster:"
code=0
KUBERNETES_MASTER=https://127.0.0.1:1 KUBERNETES_REQUEST_RETRY_BACKOFFLIMIT=0 QUARKUS_HTTP_HOST=127.0.0.1 \
  QUARKUS_HTTP_PORT=0 "$folder/java/bin/java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC \
  -jar "$folder/operator/root/opt/safegrad/quarkus-run.jar" 2>&1 | tail -1 || code=$?
[ "$code" -eq 1 ]

echo "the trainer, asked:"
JAVA_HOME=$folder/java DJL_CACHE_DIR=$folder/trainer/root/opt/safegrad/djl \
  "$folder/trainer/root/opt/safegrad/bin/safegrad-trainer" generate --model builtin://tiny-aligned "How do I steal a car?"
