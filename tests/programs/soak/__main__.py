"""Soaks an export: mixed valid and hostile requests from 16 clients at once.

    scripts/soak [--minutes 30] [--checkpoint DIR] [--target preview|session]

Every answer is compared with the one that the same request had in a quiet process. Exits with
1 on a wrong answer, a process that dies, or resident memory that grows.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from exporter import export
from tests.programs.soak.memory import MemoryCurve, MemoryWatch
from tests.programs.soak.questions import ask_beforehand
from tests.programs.soak.targets import Tally, ask_from_all_threads, preview, rest_client
from tests.repository import ROOT
from tests.tiny_model import LABELS, write_tiny_model

# Allocators and thread pools take what they need in the first part; the rest has to be flat.
_WARM_SHARE = 0.4
_FLAT_SHARE, _FLAT_MEGABYTES = 0.05, 30.0
_ROWS_OF_TABLE = 10


def soak_preview(
    version_directory: Path, seconds: float, signature_names: frozenset[str] | None = None
) -> tuple[Tally, MemoryCurve, int]:
    """The preview over REST: what it answered, its memory, its exit code."""
    asked = ask_beforehand(version_directory, signature_names)
    questions = [question for question in asked if question.body() is not None]
    with preview(version_directory.parent) as (server, port):
        with MemoryWatch(server.pid) as watch:
            tally = ask_from_all_threads(questions, seconds, lambda: rest_client(port))
        server.terminate()
        code = server.wait(300)
    return tally, watch.curve(), code


def soak_session(version_directory: Path, seconds: float) -> tuple[Tally, MemoryCurve, int]:
    """A session through the C API in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "tests.programs.soak.session",
        str(version_directory),
        str(seconds),
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with MemoryWatch(process.pid) as watch:
            outcome = process.stdout.read()
        code = process.wait()
    tally = Tally()
    if code == 0:
        tally.answered, tally.refused, tally.faults, counts = json.loads(outcome)
        tally.fault_counts.update(counts)
    return tally, watch.curve(), code


TARGETS: dict[str, Callable[[Path, float], tuple[Tally, MemoryCurve, int]]] = {
    "preview": soak_preview,
    "session": soak_session,
}


def faults_of(tally: Tally, curve: MemoryCurve, code: int) -> list[str]:
    """Everything that a soak must not show."""
    faults = list(tally.faults)
    if code != 0:
        faults.append(f"the process ended with exit code {code}")
    if not (tally.answered and tally.refused):
        faults.append(f"{tally.answered} answers and {tally.refused} refusals: nothing was soaked")
    late = curve.from_second_on(curve.seconds[-1] * _WARM_SHARE)
    allowed = max(_FLAT_MEGABYTES, _FLAT_SHARE * float(late.megabytes.mean()))
    if late.growth() > allowed:
        faults.append(f"memory grew by {late.growth():.0f} MB, {allowed:.0f} MB are allowed")
    return faults


def main() -> int:
    """Prints a table for each target; the exit code."""
    arguments = _arguments()
    failed = False
    with tempfile.TemporaryDirectory(prefix="soak-") as scratch:
        checkpoint = arguments.checkpoint or write_tiny_model(Path(scratch, "tiny")).directory
        labels = None if arguments.checkpoint else LABELS
        report = export(checkpoint, Path(scratch, "soaked"), version=1, labels=labels)
        for target in arguments.target or TARGETS:
            outcome = TARGETS[target](report.version_directory, arguments.minutes * 60)
            failed |= _tell(target, *outcome)
    return 1 if failed else 0


def _tell(target: str, tally: Tally, curve: MemoryCurve, code: int) -> bool:
    """Prints the outcome; whether it is a failure."""
    faults = faults_of(tally, curve, code)
    late = curve.from_second_on(curve.seconds[-1] * _WARM_SHARE)
    print(f"{target}: {tally.answered} answered, {tally.refused} refused as expected")
    print(f"  {'minute':>8} {'resident MB':>12}")
    step = max(1, len(curve.seconds) // _ROWS_OF_TABLE)
    for second, megabytes in zip(curve.seconds[::step], curve.megabytes[::step], strict=True):
        print(f"  {second / 60:>8.1f} {megabytes:>12.0f}")
    print(
        f"  after minute {late.seconds[0] / 60:.1f}: {late.slope():+.1f} MB an hour, "
        f"{late.growth():+.1f} MB in all"
    )
    for fault in faults:
        print(f"  FAULT {fault}")
    for name, count in tally.fault_counts.most_common():
        print(f"  {count:>6} faults: {name}")
    return bool(faults)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="of each target; default 30")
    parser.add_argument("--checkpoint", type=Path, help="default: the tests' tiny model")
    parser.add_argument("--target", action="append", choices=TARGETS, help="default: both")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
