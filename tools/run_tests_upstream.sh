#!/usr/bin/env bash
# Run the test suite on the upstream stack: configs/README.md, "Stacks".
FDEP_STACK=upstream exec bash "${BASH_SOURCE[0]%_upstream.sh}.sh" "$@"
