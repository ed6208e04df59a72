#!/usr/bin/env bash
# Run the test suite on the upstream stack, in an environment of its own.
#
#   [FDEP_WHEELS=FOLDER] bash tools/run_tests_upstream.sh [PYTEST ARGUMENTS]
#
# FDEP_WHEELS may hold an mmcv 2.1.0 wheel with compiled operators; without
# it they are built, once, which takes about 12 minutes on two cores.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup_env.sh" upstream

"$PY" -m pytest --quiet --numprocesses=2 --dist=loadfile \
    --no-loadscope-reorder --durations=10 "$@"
