#!/usr/bin/env bash
# Make or reuse the virtual environment that the other scripts run in.
#
#   source tools/setup_env.sh onedl|onedl-det|upstream
#
# Sets REPO (the checkout, which becomes the current folder) and PY (Python of
# the environment). Settings, all optional:
#   PYTHON          interpreter to start from (default: python3)
#   FDEP_VENV_ROOT  folder of the environments (default: .venvs)
#   FDEP_WHEELS     folder of ready wheels, e.g. mmcv with compiled operators
#                   (default: ../shared/wheels, if it is there)
# Relative folders count from the checkout.
set -euo pipefail

STACK="${1:-onedl}"
REPO="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
cd "$REPO"

die() {
    echo "error: $*" >&2
    exit 1
}

case "$STACK" in
    onedl)
        REQUIREMENTS=(requirements.txt .ci/requirements-test.txt)
        CONSTRAINTS=.ci/constraints.txt
        ACCEPTED='(3, 11) <= sys.version_info' ;;
    onedl-det)
        REQUIREMENTS=(requirements.txt .ci/requirements-det.txt
                      .ci/requirements-test.txt)
        CONSTRAINTS=.ci/constraints.txt
        ACCEPTED='(3, 11) <= sys.version_info' ;;
    upstream)  # setuptools 60.2 does not run on Python 3.12
        REQUIREMENTS=(.ci/requirements-upstream.txt .ci/requirements-test.txt)
        CONSTRAINTS=.ci/requirements-upstream.txt
        ACCEPTED='(3, 11) <= sys.version_info < (3, 12)' ;;
    *) die "stack '$STACK' is none of onedl, onedl-det, upstream" ;;
esac

if [ -z "${FDEP_WHEELS:-}" ] && [ -d ../shared/wheels ]; then
    FDEP_WHEELS="$(cd ../shared/wheels && pwd -P)"
fi

PYTHON="${PYTHON:-python3}"
command -v "$PYTHON" > /dev/null ||
    die "no '$PYTHON': install Python 3.11 or set PYTHON=/path/to/python3.11"
"$PYTHON" -c "import sys; sys.exit(not ($ACCEPTED))" ||
    die "$("$PYTHON" --version) at '$PYTHON' does not suit the $STACK" \
        "stack: set PYTHON=/path/to/python3.11"
"$PYTHON" -c 'import venv, ensurepip' 2> /dev/null ||
    die "'$PYTHON' has no venv module: install it (Debian, Ubuntu:" \
        "apt install python3-venv) or set PYTHON to another interpreter"

pip_install() {
    "$PY" -m pip install --quiet --disable-pip-version-check \
        ${FDEP_WHEELS:+--find-links "$FDEP_WHEELS"} "$@"
}

# mmcv with its compiled operators: from a ready wheel, or built here (about
# 12 minutes on two cores), against the torch that is installed before.
install_operators() {
    pip_install --constraint "$CONSTRAINTS" setuptools wheel torch
    CFLAGS='-O1 -g0' MMCV_WITH_OPS=1 pip_install --no-build-isolation \
        --no-deps --constraint "$CONSTRAINTS" "$1"
}

fill_venv() {
    case "$STACK" in
        onedl-det) install_operators onedl-mmcv ;;
        upstream) install_operators mmcv ;;  # its mmseg needs them, too
    esac
    pip_install --constraint "$CONSTRAINTS" "${REQUIREMENTS[@]/#/--requirement=}"
    # A machine without a display may lack the libraries of opencv-python.
    if ! "$PY" -c 'import cv2' 2> /dev/null; then
        "$PY" -m pip uninstall --quiet --yes opencv-python
        pip_install --constraint "$CONSTRAINTS" opencv-python-headless
        "$PY" -c 'import cv2'
    fi
}

# One environment for each content of the lists, each way to install them and
# each Python.
KEY="$({
    cat "${REQUIREMENTS[@]}" "$CONSTRAINTS"
    declare -f pip_install install_operators fill_venv
    echo "${FDEP_WHEELS:-}"
} | "$PYTHON" -c 'import hashlib, sys
print(hashlib.sha256(f"{sys.version} {sys.base_prefix} {sys.stdin.read()}"
                     .encode()).hexdigest()[:12])')"
mkdir -p "${FDEP_VENV_ROOT:-.venvs}"
VENV="$(cd "${FDEP_VENV_ROOT:-.venvs}" && pwd -P)/$STACK-$KEY"
PY="$VENV/bin/python"

make_venv() {
    [ ! -e "$VENV/.complete" ] || return 0
    echo "Installing the $STACK stack into $VENV (several minutes, once)"
    rm -rf "$VENV"  # what an interrupted run left
    "$PYTHON" -m venv "$VENV"
    fill_venv
    touch "$VENV/.complete"
}

# Where "import fdep_mm" leads in the environment itself.
installed_from() {
    (cd / && env -u PYTHONPATH "$PY" -c 'from importlib.util import find_spec
spec = find_spec("fdep_mm")
print(spec.origin if spec else "")')
}

install_checkout() {
    if [ "$(installed_from)" != "$REPO/fdep_mm/__init__.py" ] ||
        [ ! -e fdep_mm/.mim/model-index.yml ]; then
        pip_install --no-deps --use-pep517 --editable .
    fi
}

(
    # Two runs at once must not fill the same environment.
    ! command -v flock > /dev/null || flock 9
    make_venv
    install_checkout
) 9> "$VENV.lock"

# The environment may serve several checkouts, of which the last to come is
# the installed one: this one goes first for the processes started from here.
export PYTHONPATH="$REPO${PYTHONPATH:+:$PYTHONPATH}"
