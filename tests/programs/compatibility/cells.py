"""A cell of the matrix: the answers of one release by one loader, beside the exporter's own."""

import sys
import types
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from bert.encoder.precision import BFLOAT16, INT8, PRECISIONS
from tests.programs.compatibility import guards
from tests.programs.compatibility.asking import (
    Answer,
    ProcessDied,
    Signature,
    process,
    read_signatures,
)
from tests.programs.compatibility.environments import Environment
from tests.programs.compatibility.exports import sample_inputs
from tests.programs.compatibility.releases import Release

_TOLERANCE = 1e-6
# Not squashed into [0, 1]: the same relative error is a larger number. `output` is whatever the
# model answers, which `features` gives under its own name.
_UNSQUASHED = ("embedding", "embeddings", "start_logits", "end_logits", "output")
_UNSQUASHED_TOLERANCE = 1e-5
# Sums in another order move an input of a product to the next integer here and there: one release
# with oneDNN on and off differs by 0.0095 (MiniLM on 200 sentences of SST-2).
_INT8_TOLERANCE = 2e-2
_NO_VARIABLES: Mapping[str, str] = types.MappingProxyType({})
Asked = list[tuple[Signature, dict[str, np.ndarray], Answer]]


class Red(Exception):
    """What is wrong with a cell."""


class Reds(list[str]):
    """Why cells are red, told on standard error at once and again at the end."""

    def add(self, reason: str) -> None:
        """Keeps and tells one."""
        self.append(reason)
        print(reason, file=sys.stderr, flush=True)


def cell(
    environment: Environment,
    loader: str,
    expected: Asked,
    exporter: Release,
    reds: Reds,
    variables: Mapping[str, str] = _NO_VARIABLES,
    lacked_op: str | None = None,
) -> str:
    """The largest difference, or `red`, with the reason among the reds.

    Args:
      environment: that runs the export.
      loader: one of runner.LOADERS.
      expected: what it is asked, with the answers of the environment that exported.
      exporter: that environment's release.
      reds: gets the reason.
      variables: of its environment, such as TF_ENABLE_ONEDNN_OPTS.
      lacked_op: an op of the export that the release lacks, so that an error is expected instead.
    """
    try:
        if lacked_op is not None:
            return _refusal(environment, loader, expected, lacked_op, variables)
        return f"{largest_difference(environment, loader, expected, variables):.0e}"
    except (Red, ProcessDied) as error:
        run_on = " ".join([environment.release.tensorflow, *map("=".join, variables.items())])
        reds.add(f"exported with {exporter.tensorflow}, run on {run_on} by {loader}: {error}")
        return "red"


def expected_answers(environment: Environment, directories: list[Path]) -> Asked:
    """Every signature's answers in the environment that exported."""
    asked: Asked = []
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


def largest_difference(
    environment: Environment,
    loader: str,
    expected: Asked,
    variables: Mapping[str, str] = _NO_VARIABLES,
) -> float:
    """The largest difference of a float from the exporting environment's.

    Raises:
      Red: a request fails, or the answer is another one.
      ProcessDied: so it did.
    """
    largest = 0.0
    with process(loader, environment.python, variables=variables) as asking:
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
                is_probability = value.dtype.kind == "f" and name not in _UNSQUASHED
                if is_probability and value.size and tolerance in (_TOLERANCE, _INT8_TOLERANCE):
                    largest = max(largest, float(np.abs(found - value).max()))
    return largest


def _refusal(
    environment: Environment,
    loader: str,
    expected: Asked,
    op: str,
    variables: Mapping[str, str],
) -> str:
    """The code of the one error that every request gets, as the model does not load.

    Raises:
      Red: there is another error, one that does not name the op, or an answer.
      ProcessDied: so it did.
    """
    with process(loader, environment.python, variables=variables) as asking:
        for signature, inputs, _ in expected:
            answer = asking.ask(signature.request(inputs))
            if answer.error != "NOT_FOUND" or op not in answer.message:
                said = f"{answer.error}: {answer.message:.300}" if answer.error else "an answer"
                raise Red(f"{signature.name}: {said}, where NOT_FOUND of {op} is expected")
    return "NOT_FOUND"


def _tolerance(signature: Signature, output: str, value: np.ndarray) -> float:
    # Between the names of a checkpoint, which may be any, and of a release.
    if f" {BFLOAT16} " in signature.directory.parent.name:
        return PRECISIONS[BFLOAT16].tolerance
    if f" {INT8} " in signature.directory.parent.name:
        return _INT8_TOLERANCE
    if output in ("score", "scores") and signature.outputs.keys() & {"answer", "answers"}:
        # Sums of many spans that say the same. Of `one` 700 times, two spans are so near that
        # rounding exchanges them at the end of a window's best, and moves a sum of 28.6 by 2e-4.
        return _UNSQUASHED_TOLERANCE * max(1.0, float(value.max(initial=0.0)))
    return _UNSQUASHED_TOLERANCE if output in _UNSQUASHED else _TOLERANCE


def _how_far(found: np.ndarray, expected: np.ndarray) -> str:
    if found.shape != expected.shape:
        return f": {list(found.shape)}, expected {list(expected.shape)}"
    return f" by {np.abs(found - expected).max():.1e}" if found.dtype.kind == "f" else ""
