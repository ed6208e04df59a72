"""Time our networks beside those of other packages, in one run.

What there is on the package index:
    PepperPepper   networks for infrared small targets: ACM, ALCNet, DNA-Net
                   and UIU-Net, which are ours, too, MSHNet, SCTransNet. (A
                   second package, IRSTD, is an older part of it.)
    mmseg          general ones: U-Net, Fast-SCNN, BiSeNetV2, SegFormer-B0;
                   of its own configs, with one output channel
MLCL-Net, ALCL-Net, GGL-Net and MSDA-Net are in no package, so that there is
nothing to compare their results with.

The table has parameters, multiply-adds, and the latency of one image of noise
from pixels to probabilities, with its ratio to the first config. Each network
has a process of its own, and their blocks take turns. Where a config's network
is in PepperPepper, too, the results are compared: both get the same weights
(equal numbers for equal shapes), and the largest difference of probabilities
is given relative to their range. PepperPepper has batch norms where our
modulations have group norms; a second number is for ours with batch norms.

PepperPepper states no licence: it is called here, no part of it is copied. It
names no requirements and imports many packages, which this one does not need;
so it is best kept in a folder of its own (--packages), which is searched after
the environment and by the processes of these networks only. Without it they
are left out. Its AGPCNet wants to download weights, its HDNet a GPU, its MiM
mamba_ssm, and its MLPNet takes 256x256 only: they are not here.

Examples:
    pip install --target ~/peers einops fvcore gymnasium ipython \\
        ml_collections pandas pyotp PyWavelets requests scikit-image \\
        scikit-learn tensorboard tensorboardX torchinfo
    pip install --target ~/peers --no-deps PepperPepper thop
    python tools/analysis_tools/benchmark_peer_networks.py --threads 2 \\
        --packages ~/peers \\
        configs/acm/acm_1xb16-400e_nuaa-sirst-256x256.py \\
        configs/dnanet/dnanet_1xb16-400e_nuaa-sirst-256x256.py
    python tools/analysis_tools/benchmark_peer_networks.py \\
        --peers mmseg:fast-scnn -- \\
        configs/acm/acm_1xb16-400e_nuaa-sirst-256x256.py
"""

import argparse
import copy
import sys
import warnings
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from benchmark_inference import (
    Worker,
    add_block_arguments,
    latencies,
    multiply_adds,
    noise,
)
from mmengine.config import Config
from peer_networks import (
    PEERS,
    PEPPERPEPPER,
    SAME,
    build_network,
    has_pepperpepper,
    replace_group_norms,
    tie_weights,
)

from fdep_mm.deployment.runtimes import prepare

HELP = (
    'PepperPepper is left out ({}): see the first two examples of --help for '
    'how to install it, then name the folder, --packages DIR'
)


class NetworkWorker(Worker):
    """One network, in a process of its own.

    Args:
        name (str): One of `PEERS`, or anything else for the config's own.
        config (str): One of our configs; a peer takes its normalisation.
        folder (str, optional): Where more packages are.
        device (str): 'cpu' or 'cuda'.
    """

    network: torch.nn.Module  # in that process
    device: str

    def __init__(
        self, name: str, config: str, folder: str | None, device: str
    ) -> None:
        self.pool = ProcessPoolExecutor(1, get_context('spawn'))
        settings = name, config, folder, device, torch.get_num_threads()
        self._built = self.pool.submit(NetworkWorker._build, *settings)

    def wait(self) -> None:
        """Wait until the network is built; raises what kept it from that."""
        try:
            self.params, self.macs = self._built.result()
        except BaseException:
            self.pool.shutdown()
            raise

    @staticmethod
    def _build(
        name: str, config: str, folder: str | None, device: str, threads: int
    ) -> tuple[int, int]:
        warnings.simplefilter('ignore')
        torch.set_num_threads(threads)
        torch.manual_seed(0)
        if folder is not None:
            sys.path.append(folder)
        network = build_network(name, config)
        params = sum(p.numel() for p in network.parameters())
        macs = multiply_adds(network, 256)
        NetworkWorker.network = network
        NetworkWorker.device = device
        Worker.run = prepare(network, 'eager', device)
        return params, macs

    def answer(self, image: np.ndarray, batch_norms: bool) -> np.ndarray:
        """Probabilities of an image, with the weights of `tie_weights`."""
        submitted = self.pool.submit(NetworkWorker._answer, image, batch_norms)
        return submitted.result()

    @staticmethod
    def _answer(image: np.ndarray, batch_norms: bool) -> np.ndarray:
        network = copy.deepcopy(NetworkWorker.network)
        if batch_norms:
            replace_group_norms(network)
        tie_weights(network)
        return prepare(network, 'eager', NetworkWorker.device)(image)


def start(
    configs: list[str], peers: list[str], folder: str | None, device: str
) -> tuple[dict[str, NetworkWorker], dict[str, str]]:
    """Workers by name, and the names of the same networks, ours to theirs."""
    workers, same = {}, {}
    for path in configs:
        workers[Path(path).stem] = NetworkWorker('', path, None, device)
        peer = SAME.get(Config.fromfile(path).model.backbone.type)
        if peer in peers:
            same[peer] = path
    for name in peers:
        config = same.get(name, configs[0])
        packages = folder if name in PEPPERPEPPER else None
        workers[name] = NetworkWorker(name, config, packages, device)
    for name in list(workers):
        try:
            workers[name].wait()
        except ImportError as error:
            if name not in PEPPERPEPPER:
                raise
            print(f'{name}: {HELP.format(error)}', flush=True)
            del workers[name]
    pairs = {Path(p).stem: peer for peer, p in same.items() if peer in workers}
    return workers, pairs


def table(
    workers: dict[str, NetworkWorker],
    times: dict[int, dict[str, float]],
) -> Iterator[str]:
    """Lines of the table; ratios are those to the first network."""
    columns = ' | '.join(f'{s}x{s}, ms (ratio)' for s in times)
    yield f'| network | params, M | MACs at 256x256, G | {columns} |'
    yield '|---' * (3 + len(times)) + '|'
    first = next(iter(workers))
    for name, worker in workers.items():
        cells = ' | '.join(
            f'{1000 * t[name]:.2f} ({t[name] / t[first]:.2f})'
            for t in times.values()
        )
        size = f'{worker.params / 1e6:.3f} | {worker.macs / 1e9:.3f}'
        yield f'| {name} | {size} | {cells} |'


def difference(
    ours: NetworkWorker, theirs: NetworkWorker, image: np.ndarray, norms: bool
) -> float:
    """Largest difference of the probabilities, relative to their range."""
    found = ours.answer(image, norms), theirs.answer(image, norms)
    return float(np.abs(found[0] - found[1]).max() / np.ptp(found[1]))


def compare(
    workers: dict[str, NetworkWorker],
    times: dict[int, dict[str, float]],
    pairs: dict[str, str],
) -> Iterator[str]:
    """Lines about the networks that are in PepperPepper, too."""
    image = noise(min(times))
    for ours, peer in pairs.items():
        both = workers[ours], workers[peer]
        found = [difference(*both, image, norms) for norms in (False, True)]
        ratios = ', '.join(
            f'{t[peer] / t[ours]:.2f} at {s}x{s}' for s, t in times.items()
        )
        yield (
            f'{ours} and {peer}: differ by {found[0]:.1e}, with batch norms '
            f'by {found[1]:.1e}; theirs takes {ratios} of our time'
        )


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        'config', nargs='+', help='ours; the first is the reference'
    )
    parser.add_argument(
        '--peers',
        nargs='*',
        choices=PEERS,
        default=PEERS,
        metavar='NAME',
        help=f'of {", ".join(PEERS)}; all by default',
    )
    parser.add_argument(
        '--packages', help='folder with PepperPepper and what it imports'
    )
    add_block_arguments(parser)
    args = parser.parse_args()
    missing = [path for path in args.config if not Path(path).is_file()]
    if missing:
        parser.error(f'config {missing[0]!r}: no such file')
    if args.packages and not Path(args.packages).is_dir():
        parser.error(f'--packages {args.packages!r}: no such folder')
    return args


def main() -> None:
    """Print the table and the comparison."""
    args = parse_arguments()
    if args.threads:
        torch.set_num_threads(args.threads)
    peers = list(args.peers)
    if set(peers) & set(PEPPERPEPPER) and not has_pepperpepper(args.packages):
        print(HELP.format('not installed'), flush=True)
        peers = [name for name in peers if name not in PEPPERPEPPER]
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    workers, pairs = start(args.config, peers, args.packages, device)
    times = {}
    for size in args.sizes:
        blocks = {
            name: partial(worker.block, noise(size), args.seconds)
            for name, worker in workers.items()
        }
        times[size] = latencies(blocks, args.rounds)
    print(
        f'device {device}, {torch.get_num_threads()} threads, torch '
        f'{torch.__version__}, one image from pixels to probabilities, each '
        f'network in a process of its own, median of {args.rounds} blocks of '
        f'at least {args.seconds} s'
    )
    for line in (*table(workers, times), *compare(workers, times, pairs)):
        print(line, flush=True)
    for worker in workers.values():
        worker.pool.shutdown()


if __name__ == '__main__':
    main()
