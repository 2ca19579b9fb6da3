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

from bert.encoder.precision import PRECISIONS
from tests.programs.compatibility import guards
from tests.programs.compatibility.cells import Red, Reds, cell, expected_answers
from tests.programs.compatibility.environments import Environment, NoPython
from tests.programs.compatibility.exports import (
    ExportFailed,
    classifiers,
    make_exports,
    task_models,
)
from tests.programs.compatibility.precision_rows import precision_lines
from tests.programs.compatibility.releases import OLD_RELEASES, RELEASES, Release, admitted_releases
from tests.programs.compatibility.runner import LOADERS
from tests.task_models import TASK_MODELS


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
    loaders = arguments.loader or [*LOADERS]
    if arguments.precision:
        yield from precision_lines(arguments, exporters, runners, loaders, scratch, reds)
        return
    if arguments.task:
        groups = {model.name: [model] for model in task_models(scratch, arguments.task)}
    else:
        groups = {"classifiers": classifiers(scratch, arguments.checkpoint)}
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
                expected = expected_answers(environment, directories)
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
                cells = [cell(runs, loader, expected, exporter, reds) for loader in loaders]
                yield f"{row} {' | '.join(cells)} |"
                if arguments.guards:
                    yield from _guard_lines(runs, directories, reds)
                if arguments.remove and runner != exporter and name == [*groups][-1]:
                    runs.remove()
        if arguments.remove:
            environment.remove()


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
    parser.add_argument(
        "--precision",
        choices=[name for name, precision in PRECISIONS.items() if precision.older],
        help="rows for the classifiers with such weights, oneDNN on and off, in place of all ways",
    )
    parser.add_argument("--guards", action="store_true", help="the guard cases on each runner too")
    parser.add_argument(
        "--remove", action="store_true", help="delete each environment after its last use"
    )
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
