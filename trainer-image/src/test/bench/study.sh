#!/usr/bin/env bash
# Runs the study of docs/study.md from where its results stand, and writes the page.
#   study.sh [--quick] [OPTION...]
set -euo pipefail
exec "$(dirname "$0")/program.sh" io.safegrad.trainer.study.Study "$@"
