#!/usr/bin/env bash
# Writes the Prometheus Operator's CRDs that ChartIT installs, from the Go module that go.mod names.
set -euo pipefail
cd "$(dirname "$0")"
module=$(go mod download -json github.com/prometheus-operator/prometheus-operator | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
for kind in podmonitors prometheusrules; do
  gzip -9 -n -c "$module/example/prometheus-operator-crd/monitoring.coreos.com_$kind.yaml" \
    > "../resources/prometheus-operator/$kind.crd.yaml.gz"
done
