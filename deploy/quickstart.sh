#!/usr/bin/env bash
# Builds the project and shows it at work on this machine; deploy/quickstart.sh --help says more.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

fail() {
  printf 'error: %s\n' "$@" >&2
  exit 1
}

if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
  fail "this needs Linux on x86-64, the platform of the trainer's libtorch; this is $(uname -s) on $(uname -m)" \
    "on another machine, run it in a container or a virtual machine of that platform"
fi
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
cure="install one, for example: sudo apt-get install openjdk-17-jdk-headless (Debian, Ubuntu) or sudo dnf install java-17-openjdk-devel (Fedora); or set JAVA_HOME"
command -v "$java" >/dev/null || fail "a JDK 17 or later is needed and there is no $java" "$cure"
version=$("$java" -XshowSettings:properties -version 2>&1 | sed -n 's/ *java.specification.version = //p')
[ "${version%%.*}" -ge 17 ] || fail "a JDK 17 or later is needed; $java is version $version" "$cure"
command -v "${java}c" >/dev/null || fail "a JDK is needed; $java comes without javac" "$cure"

case " $* " in
  *" --help "* | *" -h "*) ;;
  *) echo "==> building (minutes the first time, while Maven fetches libraries; seconds later)" ;;
esac
(cd "$root" && ./mvnw -q -ntp -DskipTests -Dspotless.check.skip=true package)

columns=0
[ -t 1 ] && columns=$(tput cols 2>/dev/null || echo 80)
exec "$java" -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xmx256m -jar "$root/deploy/local/target/safegrad-local.jar" \
  --repository "$root" --columns "$columns" "$@"
