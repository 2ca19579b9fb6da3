"""The matrix: exports of some TensorFlow releases, run by others in every way there is.

    scripts/compatibility_matrix [--exporter 2.19.1] [--runner 2.12.1] [--checkpoint DIR]

Prints the table for README.md and exits with 1 if a cell is not as it should be: a SavedModel
that does not load or run, ids or strings that differ, probabilities further apart than 1e-6, or
embeddings and logits further apart than 1e-5; 5e-2 with weights in bfloat16, whose products are
rounded as the processor does it, or made in float32. A green cell is the largest difference of a
probability with weights in float32.
"""

import argparse
import itertools
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bert.encoder.precision import BFLOAT16, PRECISIONS
from tests.programs.compatibility import guards
from tests.programs.compatibility.asking import (
    Answer,
    ProcessDied,
    Signature,
    process,
    read_signatures,
)
from tests.programs.compatibility.environments import Environment, NoPython
from tests.programs.compatibility.exports import (
    ExportFailed,
    classifiers,
    make_exports,
    sample_inputs,
    task_models,
)
from tests.programs.compatibility.releases import OLD_RELEASES, RELEASES, Release, admitted_releases
from tests.programs.compatibility.runner import LOADERS
from tests.task_models import TASK_MODELS

_TOLERANCE = 1e-6
# Not squashed into [0, 1]: the same relative error is a larger number. `output` is whatever the
# model answers, which `features` gives under its own name.
_UNSQUASHED = ("embedding", "embeddings", "start_logits", "end_logits", "output")
_UNSQUASHED_TOLERANCE = 1e-5
_Asked = list[tuple[Signature, dict[str, np.ndarray], Answer]]


class Red(Exception):
    """What is wrong with a cell."""


class Reds(list[str]):
    """Why cells are red, told on standard error at once and again at the end."""

    def add(self, reason: str) -> None:
        """Keeps and tells one."""
        self.append(reason)
        print(reason, file=sys.stderr, flush=True)


def main() -> int:
    """Prints the table; the exit code."""
    arguments = _arguments()
    reds = Reds()
    with tempfile.TemporaryDirectory(prefix="compatibility-") as scratch:
        for line in _lines(arguments, Path(scratch), reds):
            print(line, flush=True)
    print()
    for red in reds:
        print(red)
    print(f"{len(reds)} red cells")
    return 1 if reds else 0


def _lines(arguments: argparse.Namespace, scratch: Path, reds: Reds) -> Iterator[str]:
    if arguments.task:
        groups = {model.name: [model] for model in task_models(scratch, arguments.task)}
    else:
        groups = {"classifiers": classifiers(scratch, arguments.checkpoint)}
    runners = [r for r in (*OLD_RELEASES, *RELEASES) if _is_wanted(r, arguments.runner)]
    exporters = [
        release
        for release in RELEASES
        if (
            release.tensorflow in arguments.exporter
            if arguments.exporter
            else release in (admitted_releases()[0], admitted_releases()[-1])
        )
    ]
    loaders = arguments.loader or LOADERS
    heads = ["model", "exported with", "`--target_serving`", "run on TensorFlow", *loaders]
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for exporter in exporters:
        environment = Environment(exporter)
        targets = dict.fromkeys(release.target_serving for release in runners)
        for target, (name, models) in itertools.product(targets, groups.items()):
            folder = scratch / exporter.tensorflow / target
            try:
                directories = make_exports(environment, models, target, folder)
                expected = _expected(environment, directories)
            except (ExportFailed, Red) as error:
                reds.add(f"{name}, {exporter.tensorflow}, --target_serving {target}: {error}")
                yield f"| {name} | {exporter.tensorflow} | {target} | | " + "red | " * len(loaders)
                continue
            for runner in (r for r in runners if r.target_serving == target):
                row = f"| {name} | {exporter.tensorflow} | {target} | {runner.tensorflow} |"
                try:
                    runs = Environment(runner)
                except NoPython as error:
                    yield row + f" skipped: {error} |" * len(loaders)
                    continue
                cells = [_cell(runs, loader, expected, exporter, reds) for loader in loaders]
                yield f"{row} {' | '.join(cells)} |"
                if arguments.guards:
                    yield from _guard_lines(runs, directories, reds)
                if arguments.remove and runner != exporter and name == [*groups][-1]:
                    runs.remove()
        if arguments.remove:
            environment.remove()


def _cell(
    environment: Environment, loader: str, expected: _Asked, exporter: Release, reds: Reds
) -> str:
    """The largest difference, or `red`, with the reason among the reds."""
    try:
        return f"{_largest_difference(environment, loader, expected):.0e}"
    except (Red, ProcessDied) as error:
        run_on = environment.release.tensorflow
        reds.add(f"exported with {exporter.tensorflow}, run on {run_on} by {loader}: {error}")
        return "red"


def _expected(environment: Environment, directories: list[Path]) -> _Asked:
    """Every signature's answers in the environment that exported."""
    asked: _Asked = []
    with process("tf.saved_model.load", environment.python) as asking:
        for directory in directories:
            bounds = guards.bounds_of(directory)
            for signature in read_signatures(directory).values():
                for inputs in sample_inputs(signature, bounds):
                    answer = asking.ask(signature.request(inputs))
                    if answer.error:
                        raise Red(f"{signature.name}: {answer.error}: {answer.message}")
                    asked.append((signature, inputs, answer))
    return asked


def _largest_difference(environment: Environment, loader: str, expected: _Asked) -> float:
    """The largest difference of a float from the exporting environment's.

    Raises:
      Red: a request fails, or the answer is another one.
      ProcessDied: so it did.
    """
    largest = 0.0
    with process(loader, environment.python) as asking:
        for signature, inputs, wanted in expected:
            where = f"{signature.directory.parent.name}, {signature.name}"
            answer = asking.ask(signature.request(inputs))
            if answer.error:
                raise Red(f"{where}: {answer.error}: {answer.message:.300}")
            for name, value in wanted.outputs.items():
                found = answer.outputs[name]
                tolerance = _tolerance(signature, name, value)
                if not guards.same(found, value, tolerance):
                    raise Red(f"{where}: {name} differs{_how_far(found, value)}")
                if value.dtype.kind == "f" and value.size and tolerance == _TOLERANCE:
                    largest = max(largest, float(np.abs(found - value).max()))
    return largest


def _tolerance(signature: Signature, output: str, value: np.ndarray) -> float:
    # Between the names of a checkpoint, which may be any, and of a release.
    if f" {BFLOAT16} " in signature.directory.parent.name:
        return PRECISIONS[BFLOAT16].tolerance
    if output in ("score", "scores") and signature.outputs.keys() & {"answer", "answers"}:
        # Sums of many spans that say the same. Of `one` 700 times, two spans are so near that
        # rounding exchanges them at the end of a window's best, and moves a sum of 28.6 by 2e-4.
        return _UNSQUASHED_TOLERANCE * max(1.0, float(value.max(initial=0.0)))
    return _UNSQUASHED_TOLERANCE if output in _UNSQUASHED else _TOLERANCE


def _how_far(found: np.ndarray, expected: np.ndarray) -> str:
    if found.shape != expected.shape:
        return f": {list(found.shape)}, expected {list(expected.shape)}"
    return f" by {np.abs(found - expected).max():.1e}" if found.dtype.kind == "f" else ""


def _guard_lines(environment: Environment, directories: list[Path], reds: Reds) -> Iterator[str]:
    """What the guard cases came to, one process for each."""
    for directory in (directory for directory in directories if "tiny" in directory.parent.name):
        report = guards.check_guards(
            directory, one_process_per_case=True, python=environment.python
        )
        where = f"guards of {directory.parent.name} on {environment.release.tensorflow}"
        for finding in report.findings:
            reds.add(f"{where}: {finding}")
        yield (
            f"{where}: {report.requests} requests, {len(report.findings)} wrong, at most "
            f"{report.largest_memory_mb} MB ({report.largest_case})"
        )


def _is_wanted(release: Release, wanted: list[str] | None) -> bool:
    return not wanted or release.tensorflow in wanted


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="compatibility_matrix", description=__doc__)
    known = [release.tensorflow for release in (*OLD_RELEASES, *RELEASES)]
    parser.add_argument(
        "--exporter",
        action="append",
        choices=[release.tensorflow for release in RELEASES if release.tensorflow_serving_api],
        help="may be given twice; default: the oldest and the newest that setup.py admits",
    )
    parser.add_argument(
        "--runner", action="append", choices=known, help="may be given twice; default: all"
    )
    parser.add_argument(
        "--loader", action="append", choices=LOADERS, help="may be given twice; default: all"
    )
    parser.add_argument(
        "--checkpoint", type=Path, help="a fine-tuned model to export beside the tiny one"
    )
    parser.add_argument(
        "--task",
        action="append",
        choices=TASK_MODELS,
        help="a row for a tiny model of the task, in place of the classifiers; may be given twice",
    )
    parser.add_argument("--guards", action="store_true", help="the guard cases on each runner too")
    parser.add_argument(
        "--remove", action="store_true", help="delete each environment after its last use"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
