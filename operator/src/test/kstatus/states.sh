#!/usr/bin/env bash
# Writes what kstatus' own library says of the states that GitOpsHealthTest wrote.
set -euo pipefail
cd "$(dirname "$0")"
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
while read -r name json; do
  printf '%s\n' "$json" > "$folder/$name.yaml"
done < ../resources/states.txt
go run . "$folder"/*.yaml | awk '{print $1, $2}' > ../resources/states-kstatus.txt
