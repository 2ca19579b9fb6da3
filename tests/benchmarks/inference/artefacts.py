"""What the contestants load, made once under build/benchmark and kept while it is current."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
FLOAT32 = "float32"


def export_for_serving(
    checkpoint: Path, folder: Path, precision: str = FLOAT32, warmup: bool = True
) -> Path:
    """The version directory that `python -m exporter` makes of the checkpoint.

    One made before is used as it is while neither the sources of `bert` and `exporter` nor the
    options have changed.

    Raises:
      subprocess.CalledProcessError: the export failed; it has said why.
    """
    name = f"{precision}-{'warm' if warmup else 'cold'}-{_digest_of_sources(checkpoint)}"
    version = folder / name / "1"
    if not version.is_dir():
        for other in folder.glob(f"{name.rsplit('-', 1)[0]}-*"):
            shutil.rmtree(other)
        flags = [f"--checkpoint={checkpoint}", f"--export_dir={version.parent}", "--version=1"]
        flags += ["--noverify", f"--{'' if warmup else 'no'}warmup"]
        if precision != FLOAT32:
            flags.append(f"--precision={precision}")
        subprocess.run(
            [sys.executable, "-m", "exporter", *flags],
            check=True,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
    return version


def _digest_of_sources(checkpoint: Path) -> str:
    digest = hashlib.sha256(str(checkpoint.resolve()).encode())
    for package in ("bert", "exporter"):
        for file in sorted((ROOT / package).rglob("*.py")):
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
