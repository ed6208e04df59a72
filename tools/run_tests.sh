#!/usr/bin/env bash
# Run the test suite, after installing what it needs: .github/CONTRIBUTING.md,
# "Tests".
#
#   [FDEP_STACK=upstream] bash tools/run_tests.sh [PYTEST ARGUMENTS]
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup_env.sh" "${FDEP_STACK:-onedl-det}"
# Tests of a file share what takes long to make, so one process runs them all.
"$PY" -m pytest --quiet --numprocesses=2 --dist=loadfile \
    --no-loadscope-reorder --durations=10 "$@"
