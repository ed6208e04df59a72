#!/usr/bin/env bash
# Run the test suite on the upstream stack, in an environment of its own.
#
#   [FDEP_WHEELS=FOLDER] bash tools/run_tests_upstream.sh [PYTEST ARGUMENTS]
#
# FDEP_WHEELS may hold an mmcv 2.1.0 wheel with compiled operators; without
# it they are built, once, which takes about 12 minutes on two cores.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/setup_env.sh" upstream

# mmengine 0.10.7 writes its log buffers into checkpoints, which torch >= 2.6
# no longer reads unless told so. Loads that ask for weights only stay safe.
export TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD=1

"$PY" -m pytest tests --quiet --numprocesses=2 --durations=10 "$@"
