#!/usr/bin/env bash
# Builds the project and makes an image of the operator or the trainer; deploy/images/build.sh --help says more.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
(cd "$root" && ./mvnw -q -ntp -DskipTests -Dspotless.check.skip=true -pl operator,trainer-image,deploy/images -am package)

natives=$root/deploy/images/target/djl
case " $* " in
  *" trainer "*)
    # Its first use unpacks libtorch; the image has it unpacked, as its pod can write almost nowhere.
    DJL_CACHE_DIR=$natives "$root/trainer-image/bin/safegrad-trainer" generate --model builtin://tiny-aligned --max-new-tokens 1 hello >/dev/null
    ;;
esac
exec "${JAVA_HOME:+$JAVA_HOME/bin/}java" -jar "$root/deploy/images/target/safegrad-images.jar" \
  --repository "$root" --natives "$natives" "$@"
