"""Rows of a precision that needs a newer op: releases with it and without, oneDNN on and off."""

import argparse
import dataclasses
import itertools
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
    """The table: with the precision's own op, and with the one for releases that lack that.

    A release that lacks an op has to refuse the model at load, in words.
    """
    precision = PRECISIONS[arguments.precision]
    assert precision.op is not None, "the flag takes no others"
    oldest = OpTables().oldest_release([precision.op])
    assert oldest is not None, "the newest release has it"
    kind = Kind(precision.name, (f"--precision={precision.name}",))
    models = [
        dataclasses.replace(model, kinds=(kind,))
        for model in classifiers(scratch, arguments.checkpoint)
    ]
    lacking = [each for each in runners if parse_release(each.tensorflow) < oldest]
    targets = [oldest, *dict.fromkeys(parse_release(each.target_serving) for each in lacking)]
    heads = ["exported with", "`--target_serving`", "run on TensorFlow", "oneDNN", *loaders]
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for exporter, target in itertools.product(exporters, targets):
        environment, told = Environment(exporter), format_release(target)
        folder = scratch / exporter.tensorflow / told
        try:
            directories = make_exports(environment, models, told, folder)
        except ExportFailed as error:
            if "--target_serving" not in str(error):
                reds.add(f"{exporter.tensorflow}, --target_serving {told}: {error}")
            yield f"| {exporter.tensorflow} | {told} | refused: {error} |"
            continue
        expected = expected_answers(environment, directories)
        for runner in runners:
            lacked_op = precision.op if target == oldest and runner in lacking else None
            if lacked_op is None and parse_release(runner.target_serving) < target != oldest:
                continue
            runs = Environment(runner)
            for state, value in (("on", "1"), ("off", "0")):
                row = f"| {exporter.tensorflow} | {told} | {runner.tensorflow} | {state} |"
                cells = [
                    cell(runs, loader, expected, exporter, reds, {_SWITCH: value}, lacked_op)
                    for loader in loaders
                ]
                yield f"{row} {' | '.join(cells)} |"
