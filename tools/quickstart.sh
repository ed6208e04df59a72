#!/usr/bin/env bash
# From a fresh checkout to a trained FDEP network and its numbers: install,
# train on synthetic data, test. Needs no data, no GPU and no hub of weights.
#
#   bash tools/quickstart.sh
set -euo pipefail

CONFIG=configs/fdep/fdep-efficientnet-lite0_alcnet_1xb16-12e_synthetic-128x128.py
WEIGHTS=checkpoints/tf_efficientnet_lite0.pth
WORK_DIR=work_dirs/quickstart

source "$(dirname "${BASH_SOURCE[0]}")/setup_env.sh" onedl

newest() {  # of the given paths; nothing if there is none
    local path found=
    for path in "$@"; do
        if [ -e "$path" ] && { [ -z "$found" ] || [ "$path" -nt "$found" ]; }
        then
            found="$path"
        fi
    done
    echo "$found"
}

if [ ! -e "$WEIGHTS" ]; then
    echo "== Converting the weights of the priors' network"
    "$PY" tools/model_converters/efficientnet_lite.py "$WEIGHTS"
fi

echo "== Training: $CONFIG"
started=$SECONDS
"$PY" -m mim train mmseg "$CONFIG" --work-dir "$WORK_DIR"
trained=$((SECONDS - started))

best="$(newest "$WORK_DIR"/best_*.pth)"
[ -n "$best" ] || die "no best_*.pth in $WORK_DIR: read the log there"

echo "== Testing: $best"
started=$SECONDS
"$PY" -m mim test mmseg "$CONFIG" --checkpoint "$best" --work-dir "$WORK_DIR"
tested=$((SECONDS - started))

pictures="$(newest "$WORK_DIR"/*/vis_data/hse/curves_test.png)"
cat <<END

Done: training took $trained s, testing $tested s; the table is above.
  network              $REPO/$best
  curves and pictures  $REPO/${pictures%/*}
  environment          $VENV

Next: train on your data, see "Train and test" in README.md.
END
