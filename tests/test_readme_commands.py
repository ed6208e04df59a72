"""Commands and code of the README files: what they name is there and runs."""

import re
import shlex
import shutil
from pathlib import Path

import pytest
from tool_runs import run_tool

from fdep_mm import __version__, zoo

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / 'README.md', *sorted(ROOT.glob('configs/**/*.md'))]


def commands():
    """Tool, options that are named with it, and where."""
    found = {}
    for page in PAGES:
        for block in re.findall(r'```bash\n(.*?)```', page.read_text(), re.S):
            for line in block.replace('\\\n', ' ').splitlines():
                words = shlex.split(line, comments=True)
                tools = [w for w in words if re.search(r'tools/.*\.py$', w)]
                if not tools:
                    continue
                rest = words[words.index(tools[0]) + 1 :]
                options = {w.partition('=')[0] for w in rest if w[:2] == '--'}
                found.setdefault(tools[0], set()).update(options - {'--'})
    return sorted(found.items())


@pytest.mark.parametrize(
    ('tool', 'options'),
    commands(),
    ids=lambda x: x if isinstance(x, str) else '',
)
def test_tools_have_the_options_that_pages_name(tool, options):
    done = run_tool(ROOT / tool, '--help')
    assert done.code == 0
    assert options <= {*re.findall(r'--[\w-]+', done.out)}


def blocks(page, kind):
    return re.findall(rf'```{kind}\n(.*?)```', page.read_text(), re.S)


def test_the_first_commands(tmp_path, monkeypatch):
    """On the examples and on one's own images, one after the other."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(zoo.EXAMPLES, 'images')
    lines = blocks(PAGES[0], 'bash')[0].splitlines()
    runs = [shlex.split(x, comments=True)[1:] for x in lines if 'infer' in x]
    assert len(runs) == 2
    for tool, *options in runs:
        done = run_tool(ROOT / tool, *options)
        assert done.code == 0 and '3 images' in done.out
    assert len(list(Path('outputs/overlays').iterdir())) == 3


def test_the_first_python_code(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copy(sorted(zoo.EXAMPLES.glob('*.png'))[0], 'frame.png')
    (block,) = blocks(PAGES[0], 'python')
    exec(compile(block, 'README.md', 'exec'), {})
    lines = capsys.readouterr().out.splitlines()
    assert lines and all(len(line.split()) == 8 for line in lines)


def test_the_change_log_begins_with_this_version():
    log = (ROOT / 'CHANGELOG.md').read_text()
    newest = re.search(r'^## (\S+)', log, re.M)[1]
    assert f'{newest}.0' == __version__
