#!/usr/bin/env bash
# What kstatus' own library says of the runs that StoriesIT left in operator/target/stories.
set -euo pipefail
cd "$(dirname "$0")"
go run . ../../../target/stories/*.yaml
