"""The soak in short, and that it fails where it has to."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from tests.programs.soak.__main__ import faults_of, soak_preview, soak_session
from tests.programs.soak.memory import MemoryCurve
from tests.programs.soak.questions import Question, ask_beforehand
from tests.programs.soak.targets import Tally

_SIGNATURES = frozenset({"text", "labels"})


def curve(megabytes_per_second: float, seconds: int = 1200) -> MemoryCurve:
    times = np.arange(1.0, seconds)
    noise = np.random.default_rng(0).normal(scale=3.0, size=len(times))
    return MemoryCurve(times, 500 + megabytes_per_second * times + noise)


def without_memory(found: MemoryCurve) -> MemoryCurve:
    """So short a run says nothing about memory."""
    return dataclasses.replace(found, megabytes=0 * found.megabytes)


def test_soak(tiny_export: Path, full: bool) -> None:
    seconds, signatures = (60.0, None) if full else (4.0, _SIGNATURES)
    tally, found, code = soak_preview(tiny_export, seconds, signatures)
    assert faults_of(tally, without_memory(found), code) == []


@pytest.mark.full
def test_soak_of_a_session(tiny_export: Path) -> None:
    tally, found, code = soak_session(tiny_export, 60.0)
    assert faults_of(tally, without_memory(found), code) == []


@pytest.fixture(scope="module")
def question(tiny_export: Path) -> Question:
    questions = {
        question.name: question
        for question in ask_beforehand(tiny_export, frozenset({"text", "labels"}))
    }
    assert questions["text, a scalar"].error == "INVALID_ARGUMENT"
    return questions["labels, sample 0"]


def test_other_answers_are_faults(question: Question) -> None:
    assert question.outputs is not None
    rows = {name: value.copy() for name, value in question.outputs.items()}
    assert question.fault(rows) is None
    rows["scores"][0, 0] += 1e-4
    assert question.fault(rows) == "other scores"
    body = b'{"outputs": {"label": [], "score": [], "labels": [], "scores": []}}'
    assert question.fault_of_json(200, body) is not None
    assert question.fault_of_json(500, b"") == "status 500, expected 200: b''"
    with pytest.raises(ValueError, match="NaN is not JSON"):
        question.fault_of_json(200, b'{"outputs": {"score": [NaN]}}')


def test_an_answer_where_an_error_is_due(question: Question) -> None:
    refused = dataclasses.replace(question, outputs=None, error="INVALID_ARGUMENT")
    assert refused.fault_of_json(400, b"") is None
    assert refused.fault_of_json(200, b"{}") is not None
    assert refused.fault({}) == "answered, expected INVALID_ARGUMENT"


def test_growing_memory_is_a_fault() -> None:
    tally = Tally(answered=1, refused=1)
    assert faults_of(tally, curve(0.0), 0) == []
    assert curve(0.1).slope() == pytest.approx(360, abs=5)
    (fault,) = faults_of(tally, curve(0.1), 0)
    assert fault.startswith("memory grew by 7")


def test_a_dead_process_is_a_fault() -> None:
    assert faults_of(Tally(answered=1, refused=1), curve(0.0), -11) == [
        "the process ended with exit code -11"
    ]


def test_nothing_soaked_is_a_fault() -> None:
    assert len(faults_of(Tally(), curve(0.0), 0)) == 1
