"""Train and test a grid of arms, hosts, data sets and seeds; compare them.

What is in the study's file: fdep_mm/study/plan.py and README. A cell is one
training and its test (or a test of another arm's weights) in the folder
WORK_DIR/DATA/HOST/ARM/seed-N; it is finished when its result.json is there.
Started again, a stopped study resumes.

Examples:
    python tools/study.py STUDY.yml --work-dir studies/nuaa --jobs 2
    python tools/study.py STUDY.yml --work-dir studies/nuaa --dry-run
    python tools/study.py STUDY.yml --work-dir studies/nuaa --slurm job.sh
    sbatch --gres=gpu:1 job.sh
    python tools/study.py STUDY.yml --work-dir studies/nuaa --table md \\
        --curves curves --export configs/studies/nuaa/results

Exit codes: 0 all cells are finished, or run in another process; 1 some have
failed (they are named with the end of their logs); 2 wrong input; 130
stopped.
"""

import argparse
import shlex
import sys
from itertools import product
from pathlib import Path
from threading import Lock

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from fdep_mm.core.command import Parser, command, number
from fdep_mm.core.text import print
from fdep_mm.engine.hooks.result_writer import RESULT
from fdep_mm.study import (
    FORMATS,
    Cell,
    Study,
    StudyRunner,
    export,
    format_study,
    missing_scores,
    mixed_arms,
    read_results,
    read_study,
    summarize,
)
from fdep_mm.visualization import plot_comparison

TOOLS = Path(__file__).parent
SLURM = """#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --array=0-{last}
#SBATCH --cpus-per-task={threads}
#SBATCH --output={work_dir}/slurm-%a.log
cd {cwd}
{exports}
exec {command} --cell "$SLURM_ARRAY_TASK_ID"
"""


class Display:
    """One line per cell that starts or ends, and a bar on a terminal."""

    def __init__(self, total: int, ended: int) -> None:
        console = Console(highlight=False, soft_wrap=True)
        self.failed: list[str] = []
        self.progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            'cells, elapsed',
            TimeElapsedColumn(),
            'remaining',
            TimeRemainingColumn(),
            console=console,
            speed_estimate_period=1e9,
            disable=not console.is_terminal,
        )
        self._lock = Lock()
        self._total, self._ended = total, ended
        self._bar = self.progress.add_task('', total=total)

    def show(self, cell: Cell, event: str) -> None:
        """Print a line; see :class:`fdep_mm.study.StudyRunner`."""
        with self._lock:
            self._ended += event != 'start'
            if event not in ('start', 'done', 'elsewhere'):
                self.failed.append(cell.name)
                event = f'FAILED: {event}'
            self.progress.update(self._bar, completed=self._ended)
            count = f'[{self._ended}/{self._total}]'
            text = f'{count} {cell.name}: {event}'
            self.progress.console.print(text, markup=False)


def parse_args() -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(__doc__)
    add = parser.add_argument
    add('study', type=Path, help='YAML file of the study')
    add('--work-dir', type=Path, required=True, help='folder of its cells')
    one = dict(type=number(int, 1), default=1)
    add('--jobs', **one, help='cells at a time')
    add('--threads', **one, help='of each process')
    add('--cell', type=int, help='run only this job of the array (from 0)')
    add('--dry-run', action='store_true', help='print the commands')
    add('--slurm', type=Path, metavar='FILE', help='write an array job script')
    add(
        '--table',
        choices=FORMATS,
        help='print what finished cells measured, run nothing; --work-dir '
        'may be an exported folder, as for --curves',
    )
    add('--curves', type=Path, metavar='DIR', help='draw them, run nothing')
    add(
        '--export',
        type=Path,
        metavar='DIR',
        help='copy the small files of finished cells, run nothing',
    )
    return parser.parse_args()


def print_commands(runner: StudyRunner, cells: list[Cell]) -> None:
    """Print what would be run."""
    prefix = [f'{key}={value}' for key, value in runner.variables.items()]
    for cell in cells:
        if cell.weights_of is None:
            print(*prefix, shlex.join(runner.train_command(cell)))
        weights = runner.work_dir / cell.trained / f'{cell.checkpoint}.pth'
        print(*prefix, shlex.join(runner.test_command(cell, weights)))


def write_script(
    args: argparse.Namespace, runner: StudyRunner, num: int
) -> None:
    """Write an array job; its log files need the work dir."""
    args.work_dir.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, TOOLS / 'study.py', args.study]
    command += ['--work-dir', args.work_dir, '--threads', args.threads]
    variables = runner.variables.items()
    script = SLURM.format(
        name=shlex.quote(args.study.parent.name or args.study.stem),
        last=num - 1,
        threads=args.threads,
        work_dir=args.work_dir,
        cwd=shlex.quote(str(Path.cwd())),
        exports='\n'.join(f'export {k}={v}' for k, v in variables),
        command=shlex.join(map(str, command)),
    )
    args.slurm.write_text(script)
    print(f'{num} jobs: sbatch {args.slurm}')


def show_results(args: argparse.Namespace, study: Study) -> None:
    """Print, draw and copy what there is."""
    results = read_results(study, args.work_dir)
    for arm in mixed_arms(results):
        print(
            f'warning: {arm}: its seeds were tested with different configs '
            f'(config_sha256 in {RESULT}): other settings, or other folders '
            'of data. Run the odd ones again, in an empty folder',
            file=sys.stderr,
        )
    for score in missing_scores(study, results):
        print(f'warning: scores: no test has {score}', file=sys.stderr)
    if args.table:
        rows = summarize(study, results)
        print(format_study(study, rows, args.table), end='')
    if args.export:
        num = export(study, args.work_dir, args.export)
        print(f'{num} of {len(study.cells)} cells: {args.export}')
    if args.curves:
        args.curves.mkdir(parents=True, exist_ok=True)
        for place in product(study.data, study.hosts):
            arms = {arm: [] for arm in study.arms}
            for one in results:
                if one.cell[:2] == place and one.evaluation:
                    arms[one.cell.arm].append(one.evaluation)
            if not any(arms.values()):
                print(f'{", ".join(place)}: no curves yet', file=sys.stderr)
                continue
            path = args.curves / f'{"_".join(place)}.png'
            figure = plot_comparison(arms, title=', '.join(place))
            figure.savefig(path)
            print(f'figure: {path}')


def run(args: argparse.Namespace, study: Study) -> int:
    """Run, or write down, what is not finished; returns the exit code."""
    if args.table or args.curves or args.export:
        show_results(args, study)
        return 0
    jobs = study.jobs()
    runner = StudyRunner(args.work_dir, TOOLS, args.threads)
    if args.slurm:
        write_script(args, runner, len(jobs))
        return 0
    if args.cell is not None:
        if not 0 <= args.cell < len(jobs):
            raise ValueError(f'--cell: there are 0 to {len(jobs) - 1}')
        jobs = [jobs[args.cell]]
    cells = [cell for job in jobs for cell in job]
    waiting = [cell for cell in cells if not runner.is_finished(cell)]
    if args.dry_run:
        print_commands(runner, waiting)
        return 0
    display = Display(len(cells), len(cells) - len(waiting))
    with display.progress:
        runner.run(jobs, args.jobs, display.show)
    if failed := display.failed:
        names = ', '.join(failed)
        print(f'{len(failed)} have failed: {names}', file=sys.stderr)
        return 1
    return 0


@command()
def main() -> int:
    """Run the study; returns the exit code."""
    args = parse_args()
    return run(args, read_study(args.study))


if __name__ == '__main__':
    sys.exit(main())
