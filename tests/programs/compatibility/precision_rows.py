"""Rows of a precision that needs a newer op: releases with it and without, oneDNN on and off."""

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from pathlib import Path

from bert.encoder.precision import PRECISIONS
from exporter.serving.op_tables import OpTables
from exporter.serving.release import format_release, parse_release
from tests.programs.compatibility.cells import Reds, cell, expected_answers
from tests.programs.compatibility.environments import Environment
from tests.programs.compatibility.exports import ExportFailed, Kind, classifiers, make_exports
from tests.programs.compatibility.releases import Release

# TensorFlow reads it once, when it is loaded.
_SWITCH = "TF_ENABLE_ONEDNN_OPTS"


def precision_lines(
    arguments: argparse.Namespace,
    exporters: Sequence[Release],
    runners: Sequence[Release],
    loaders: Sequence[str],
    scratch: Path,
    reds: Reds,
) -> Iterator[str]:
    """The table: a release that lacks the op has to refuse the model at load, in words."""
    precision = PRECISIONS[arguments.precision]
    assert precision.op is not None, "the flag takes no others"
    oldest = OpTables().oldest_release([precision.op])
    assert oldest is not None, "the newest release has it"
    kind = Kind(precision.name, (f"--precision={precision.name}",))
    models = [
        dataclasses.replace(model, kinds=(kind,))
        for model in classifiers(scratch, arguments.checkpoint)
    ]
    heads = ["exported with", "`--target_serving`", "run on TensorFlow", "oneDNN", *loaders]
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for exporter in exporters:
        environment = Environment(exporter)
        folder, target = scratch / exporter.tensorflow, format_release(oldest)
        expected = expected_answers(environment, make_exports(environment, models, target, folder))
        for runner in runners:
            lacked_op = None if parse_release(runner.tensorflow) >= oldest else precision.op
            runs = Environment(runner)
            for state, value in (("on", "1"), ("off", "0")):
                row = f"| {exporter.tensorflow} | {target} | {runner.tensorflow} | {state} |"
                cells = [
                    cell(runs, loader, expected, exporter, reds, {_SWITCH: value}, lacked_op)
                    for loader in loaders
                ]
                yield f"{row} {' | '.join(cells)} |"
        lacking = [each for each in runners if parse_release(each.tensorflow) < oldest]
        for older in dict.fromkeys(release.target_serving for release in lacking):
            try:
                make_exports(environment, models, older, folder / "refused")
                reds.add(f"{exporter.tensorflow} exports {precision.name} for {older}")
            except ExportFailed as error:
                if precision.op not in str(error):
                    reds.add(f"{exporter.tensorflow}, --target_serving {older}: {error}")
                yield f"\n`--target_serving={older}`: {error}"
