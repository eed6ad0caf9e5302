#!/usr/bin/env bash
# A real Kueue, built from the Go module that go.mod names (10 minutes the first time), beside the
# one-machine cluster: two runs in a queue that has room for one, the second more important than the
# first. Prints what kubectl says of them until both have ended. Needs ./mvnw -DskipTests package.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../../.." && pwd)
folder=${1:-$root/operator/target/kueue}
mkdir -p "$folder/certs"
(cd "$here" && go build -ldflags "-s -w" -o "$folder/kueue" sigs.k8s.io/kueue/cmd/kueue)
module=$(cd "$here" && go mod download -json sigs.k8s.io/kueue | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')

openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 \
  -keyout "$folder/certs/tls.key" -out "$folder/certs/tls.crt" 2>/dev/null
cat > "$folder/config.yaml" <<YAML
apiVersion: config.kueue.x-k8s.io/v1beta2
kind: Configuration
health: {healthProbeBindAddress: "127.0.0.1:0"}
metrics: {bindAddress: "0"}
webhook: {host: 127.0.0.1, port: 19443, certDir: "$folder/certs"}
leaderElection: {leaderElect: false}
internalCertManagement: {enable: false}
integrations: {frameworks: [batch/job]}
YAML

"$root/deploy/quickstart.sh" --cluster-only --folder "$folder/cluster" > "$folder/cluster.log" 2>&1 &
cluster=$!
kueue=
stop() {
  [ -z "$kueue" ] || kill "$kueue" 2>/dev/null || true
  kill "$cluster" 2>/dev/null || true
  wait
}
trap stop EXIT
export KUBECONFIG="$folder/cluster/cluster/kubeconfig"
kubectl=$(dirname "$(ls -d ~/.kubeapitest/k8s/*/kubectl | tail -1)")/kubectl
until grep -q "alias kubectl" "$folder/cluster.log"; do
  kill -0 "$cluster" || { cat "$folder/cluster.log"; exit 1; }
  sleep 1
done

"$kubectl" apply --server-side -f "$module/config/components/crd/bases/" > /dev/null
"$kubectl" wait --for=condition=Established crd --all > /dev/null
"$folder/kueue" --config "$folder/config.yaml" > "$folder/kueue.log" 2>&1 &
kueue=$!
"$kubectl" apply -f - <<'YAML'
apiVersion: kueue.x-k8s.io/v1beta2
kind: ResourceFlavor
metadata: {name: here}
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: ClusterQueue
metadata: {name: one}
spec:
  namespaceSelector: {}
  preemption: {withinClusterQueue: LowerPriority}
  resourceGroups:
  - coveredResources: [cpu]
    flavors: [{name: here, resources: [{name: cpu, nominalQuota: "1"}]}]
---
apiVersion: kueue.x-k8s.io/v1beta2
kind: LocalQueue
metadata: {name: trainers, namespace: quickstart}
spec: {clusterQueue: one}
---
apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {name: high}
value: 1000
preemptionPolicy: Never
YAML

run() { # name, steps, priority
  "$kubectl" apply -n quickstart -f - <<YAML
apiVersion: safegrad.io/v1alpha1
kind: SafeFineTune
metadata: {name: $1}
spec:
  model: {source: "builtin://tiny-aligned"}
  dataset: {source: "builtin://sentiment"}
  training: {maxSteps: $2, maxLength: 64, learningRate: 1e-6, saveSteps: 5}
  output: {destination: "pvc://adapters/$1"}
  queueName: trainers
  pod: {resources: {requests: {cpu: 600m}}, priorityClassName: "$3"}
YAML
}
phase() { "$kubectl" get sft -n quickstart "$1" -o jsonpath='{.status.phase}'; }
run patient 200 ""
until [ "$(phase patient)" = Training ]; do sleep 1; done
run urgent 5 high
until [ "$(phase urgent)" = Training ]; do sleep 1; done
"$kubectl" get sft,workloads -n quickstart
until [ "$(phase urgent)" = Succeeded ] && [ "$(phase patient)" = Succeeded ]; do sleep 1; done
"$kubectl" describe sft -n quickstart patient | sed -n '/^Status/,$p'
"$kubectl" describe sft -n quickstart urgent | sed -n '/^Events/,$p'
