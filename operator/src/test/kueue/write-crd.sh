#!/usr/bin/env bash
# Writes the CRD of Kueue's Workloads, as KueueIT installs it, from the Go module that go.mod names.
set -euo pipefail
cd "$(dirname "$0")"
module=$(go mod download -json sigs.k8s.io/kueue | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
gzip -9 -n -c "$module/config/components/crd/bases/kueue.x-k8s.io_workloads.yaml" \
  > ../resources/kueue/workloads.crd.yaml.gz
