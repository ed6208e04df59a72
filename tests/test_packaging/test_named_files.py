"""The files that the README and the scripts name are there."""

import re

import pytest

# not what {host} or the like completes
NAMED = re.compile(
    r'(?<![\w./])(?:configs|tools|tests|fdep_mm)/[\w./-]*\w(?![\w./-]*\{)'
)


@pytest.mark.parametrize(
    'document',
    [
        'README.md',
        'configs/README.md',
        'configs/BENCHMARKS.md',
        'configs/RESULTS.md',
        '.github/CONTRIBUTING.md',
        '.ci/run',
        '.ci/requirements-upstream.txt',
        'tools/quickstart.sh',
        'tools/run_tests.sh',
        'tools/run_tests_upstream.sh',
        'tools/setup_env.sh',
    ],
)
def test_named_files_exist(repo, document):
    text = (repo / document).read_text(encoding='utf-8')
    # .mim is made by an installation
    named = {name for name in NAMED.findall(text) if '.mim' not in name}
    assert named
    missing = [name for name in named if not (repo / name).exists()]
    assert not missing
