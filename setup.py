"""Build fdep_mm, with its configs and tools inside the package.

MIM and MMEngine look for a package's configs in ``<package>/.mim``.
"""

import os
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py
from setuptools.command.develop import develop

ROOT = Path(__file__).resolve().parent
# what goes into .mim -> where it is in the checkout
EXTENSION = {
    'configs': ROOT / 'configs',
    'tools': ROOT / 'tools',
    'model-index.yml': ROOT / 'configs' / 'model-index.yml',
}
IGNORED = shutil.ignore_patterns('__pycache__', '*.pyc', '.*')


def link_extension() -> None:
    """Fill ``fdep_mm/.mim`` of the checkout with relative symlinks."""
    folder = ROOT / 'fdep_mm' / '.mim'
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, source in EXTENSION.items():
        (folder / name).symlink_to(os.path.relpath(source, folder))


def copy_extension(package: Path) -> None:
    """Fill ``.mim`` below a built package with copies."""
    folder = package / '.mim'
    folder.mkdir(parents=True)
    for name, source in EXTENSION.items():
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=IGNORED)
        else:
            shutil.copy2(source, folder / name)


class BuildPy(build_py):
    """Build the modules, then ``.mim``: copies, or links when editable."""

    def run(self):
        package = Path(self.build_lib) / 'fdep_mm'
        if getattr(self, 'editable_mode', False):
            super().run()
            link_extension()
        else:
            # An earlier build would leave renamed files in the wheel.
            shutil.rmtree(package, ignore_errors=True)
            super().run()
            copy_extension(package)

    def get_source_files(self):
        """List the files that a source distribution needs."""
        extension = [
            str(path.relative_to(ROOT))
            for folder in ('configs', 'tools')
            for path in (ROOT / folder).rglob('*')
            if path.is_file() and path.suffix != '.pyc'
        ]
        return super().get_source_files() + extension


class Develop(develop):
    """The editable install of pip < 25.3 without ``--use-pep517``."""

    def run(self):
        super().run()
        if not self.uninstall:
            link_extension()


def read_version() -> str:
    """Return the version without importing the package's dependencies."""
    scope = {}
    exec((ROOT / 'fdep_mm' / 'version.py').read_text(), scope)
    return scope['__version__']


setup(
    name='fdep_mm',
    version=read_version(),
    description='Infrared small target detection for the OpenMMLab stack, '
    'with foundation-driven training (FDEP)',
    long_description=(ROOT / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    license_files=['LICENSE'],
    python_requires='>=3.11',
    packages=find_packages(include=['fdep_mm', 'fdep_mm.*']),
    package_data={
        'fdep_mm.zoo': ['*.safetensors', '*.onnx', '*.md', 'examples/*.png']
    },
    # Nothing here may replace a part of the user's stack. The mm* packages
    # exist twice under one import name, and torch, torchvision and timm only
    # work as a set: requirements.txt names them, importing checks the former.
    install_requires=[
        'matplotlib',
        'numpy',
        'packaging',
        'pillow',
        'prettytable',
        'scipy',
    ],
    cmdclass={'build_py': BuildPy, 'develop': Develop},
    zip_safe=False,
)
