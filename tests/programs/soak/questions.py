"""Valid and hostile requests with the answers that they had in a quiet process."""

import base64
import dataclasses
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.programs.compatibility import guards
from tests.programs.compatibility.asking import Signature, process, read_signatures
from tests.programs.compatibility.exports import sample_inputs
from tests.programs.compatibility.guard_cases import cases

# How often a question is asked, beside one of a valid request.
_HOSTILE, _LARGE = 0.2, 0.02
_LARGE_BYTES = 100_000


@dataclasses.dataclass(frozen=True)
class Question:
    """A request, and its outputs by name or the error that it has."""

    name: str
    weight: float
    signature: Signature
    inputs: Mapping[str, np.ndarray]
    outputs: Mapping[str, np.ndarray] | None
    error: str | None

    def body(self) -> bytes | None:
        """The REST request, or None where JSON has no form for the shapes."""
        if any(value.size == 0 and value.ndim > 1 for value in self.inputs.values()):
            return None
        inputs = {name: _json_value(value.tolist()) for name, value in self.inputs.items()}
        return json.dumps({"signature_name": self.signature.name, "inputs": inputs}).encode()

    def fault_of_json(self, status: int, body: bytes) -> str | None:
        """What is wrong with a REST answer, if anything."""
        if self.error is not None:
            return None if status == 400 else f"status {status}, expected 400: {body[:200]!r}"
        assert self.outputs is not None
        if status != 200:
            return f"status {status}, expected 200: {body[:200]!r}"
        found = json.loads(body.decode("utf-8"), parse_constant=_refuse)["outputs"]
        if len(self.outputs) == 1:
            found = dict.fromkeys(self.outputs, found)
        return self.fault({name: _array(found[name], self.outputs[name]) for name in self.outputs})

    def fault(self, found: Mapping[str, np.ndarray]) -> str | None:
        """What is wrong with outputs, if anything."""
        if self.outputs is None:
            return f"answered, expected {self.error}"
        different = [k for k, value in self.outputs.items() if not guards.same(found[k], value)]
        return f"other {', '.join(different)}" if different else None


def ask_beforehand(
    directory: Path, signature_names: frozenset[str] | None = None
) -> list[Question]:
    """Every question to an export, or to these signatures, asked one at a time (C API)."""
    bounds = guards.bounds_of(directory)
    questions = []
    with process("C API") as asking:
        for signature in read_signatures(directory).values():
            if signature_names is not None and signature.name not in signature_names:
                continue
            valid = enumerate(sample_inputs(signature, bounds))
            given = [(f"sample {number}", 1.0, inputs) for number, inputs in valid]
            for name, case in cases(sorted(signature.inputs), bounds):
                size = sum(_size(value) for value in case.inputs.values())
                weight = _LARGE if size > _LARGE_BYTES else _HOSTILE
                given.append((name, weight, dict(case.inputs)))
            for name, weight, inputs in given:
                answer = asking.ask(signature.request(inputs))
                outputs = None if answer.error else answer.outputs
                where = f"{signature.name}, {name}"
                questions.append(Question(where, weight, signature, inputs, outputs, answer.error))
    return questions


def endless(questions: Sequence[Question], seed: int) -> Any:
    """A generator of questions, each as often as its weight says."""
    generator = random.Random(seed)
    weights = [question.weight for question in questions]
    while True:
        yield from generator.choices(questions, weights, k=100)


def _size(value: np.ndarray) -> int:
    return sum(map(len, value.flat)) if value.dtype == object else value.nbytes


def _json_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_json_value(part) for part in value]
    return {"b64": base64.b64encode(value).decode("ascii")} if isinstance(value, bytes) else value


def _array(value: Any, like: np.ndarray) -> np.ndarray:
    """What JSON holds, as an array of the dtype of `like`."""
    array = np.array(value, like.dtype)
    if not array.size and not like.size:
        return array.reshape(like.shape)  # JSON has no shape for nothing
    return np.frompyfunc(str.encode, 1, 1)(array) if like.dtype == object else array


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
