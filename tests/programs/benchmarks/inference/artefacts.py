"""What the contestants load, made once under build/benchmark and kept while it is current."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.programs.benchmarks.inference.scratch import empty_scratch
from tests.repository import ROOT

FLOAT32 = "float32"

_CONTESTANTS = Path(__file__).parent / "contestants"


def export_for_serving(
    checkpoint: Path, folder: Path, precision: str = FLOAT32, warmup: bool = True
) -> Path:
    """The version directory that `python -m exporter` makes of the checkpoint.

    One made before is used as it is while neither the sources of `bert` and `exporter` nor the
    checkpoint have changed.

    Raises:
      subprocess.CalledProcessError: the export failed; it has said why.
    """
    sources = [file for name in ("bert", "exporter") for file in (ROOT / name).rglob("*.py")]
    warm = "warm" if warmup else "cold"
    directory = _current(folder, f"{precision}-{warm}", checkpoint, sources)
    version = directory / "1"
    if not version.is_dir():
        flags = [f"--checkpoint={checkpoint}", f"--export_dir={directory}", "--version=1"]
        flags += ["--noverify", "--warmup" if warmup else "--nowarmup"]
        if precision != FLOAT32:
            # Before 2.17 there is no product of integers.
            flags += [f"--precision={precision}", "--target_serving=2.17.0"]
        _run(sys.executable, "exporter", *flags)
    return version


def build(python: Path | str, builder: str, checkpoint: Path, folder: Path, *options: str) -> Path:
    """The directory that a `build_…` module of the contestants makes of the checkpoint.

    Raises:
      subprocess.CalledProcessError: it failed; it has said why.
    """
    name = "-".join([builder, *options])
    directory = _current(folder, name, checkpoint, [_CONTESTANTS / f"{builder}.py"])
    if not directory.is_dir():
        scratch = empty_scratch(directory)
        module = f"tests.programs.benchmarks.inference.contestants.{builder}"
        _run(python, module, str(checkpoint), str(scratch), *options)
        scratch.rename(directory)
    return directory


def size_on_disk(directory: Path) -> int:
    """Bytes of all files."""
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


def _current(folder: Path, name: str, checkpoint: Path, sources: Iterable[Path]) -> Path:
    """The place of an artefact by what it is made from; those of other sources are removed."""
    digest = hashlib.sha256(str(checkpoint.resolve()).encode())
    for file in sorted(checkpoint.glob("*")):
        status = file.stat()
        digest.update(f"{file.name} {status.st_size} {status.st_mtime_ns}\n".encode())
    for file in sorted(sources):
        digest.update(file.read_bytes())
    directory = folder / f"{name}-{digest.hexdigest()[:12]}"
    for other in folder.glob(f"{name}-*"):
        if other != directory and len(other.name) == len(directory.name):
            shutil.rmtree(other)
    return directory


def _run(python: Path | str, module: str, *arguments: str) -> None:
    # What it prints on success is of no interest here.
    result = subprocess.run(
        [python, "-m", module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
    )
    if result.returncode:
        print(result.stdout, result.stderr, sep="\n", file=sys.stderr)
        result.check_returncode()
