"""The profile tells tokenization from the encoder, in a graph whose parts are known."""

from pathlib import Path

import pytest

from tests.programs.benchmarks.inference.graph_profile import GraphProfiler, Profile
from tests.programs.benchmarks.inference.graph_stages import (
    ANSWER,
    ENCODER,
    LAYOUT,
    STAGES,
    TEXT,
    WEIGHTS,
    ExecutedOp,
    parse_label,
    stages_of,
)


@pytest.fixture(scope="module")
def profile(tiny_export: Path) -> Profile:
    return GraphProfiler(tiny_export).profile(["the film is good", "fun", "a very bad film"])


def _kinds(profile: Profile, stage: str) -> set[str]:
    return {kind for kind, runs, milliseconds in profile.by_kind(stage)}


def test_tokenization_is_text(profile: Profile) -> None:
    assert "FastWordpieceTokenizeWithOffsets" in _kinds(profile, TEXT)
    assert not any("MatMul" in kind for kind in _kinds(profile, TEXT))


def test_products_and_their_softmax_are_the_encoder(profile: Profile) -> None:
    # The softmax of attention, and that of the classes.
    for part, expected in (("MatMul", {ENCODER}), ("Softmax", {ENCODER, ANSWER})):
        stages = {stage for stage in STAGES if any(part in kind for kind in _kinds(profile, stage))}
        assert stages == expected, part


def test_every_layer_is_seen(profile: Profile) -> None:
    """Two layers: each has at least the products of attention, its output and two dense."""
    products = sum(runs for kind, runs, _ in profile.by_kind(ENCODER) if "MatMul" in kind)
    assert products >= 2 * 5


def test_stages_are_all_of_the_op_time(profile: Profile) -> None:
    assert sum(map(profile.stage_ms, STAGES)) == pytest.approx(profile.total_ms)
    assert 0 < profile.text_share < 1
    assert 0 < profile.busy_ms <= profile.span_ms


def test_a_graph_without_an_encoder_is_refused(tiny_export: Path) -> None:
    tokenizer = GraphProfiler(tiny_export, "tokenize")
    with pytest.raises(ValueError, match="table of weights"):
        tokenizer.profile(["the film"])


def test_stages_go_through_functions() -> None:
    """A caller's text, a function's layout and encoder, and what the caller answers with them."""
    labels = [
        "_arg_text_0_0 = _Arg()",
        "tokenize = FastWordpieceTokenizeWithOffsets(_arg_text_0_0, model)",
        "model = Const()",
        "table = VarHandleOp()",
        "call = StatefulPartitionedCall(table, tokenize:0, tokenize:1, ^model)",
        "table_resource = _Arg()",
        "ids = _Arg()",
        "row_splits = _Arg()",
        "look_up = ResourceGather(table_resource, ids)",
        "lengths = Sub(row_splits, row_splits)",
        "sum = Sum(look_up, lengths)",
        "product = _FusedMatMul(sum, kernel)",
        "output_RetVal = _Retval(product)",
        "softmax = Softmax(call)",
    ]
    stages = stages_of(ExecutedOp(*parse_label(label), start=0, end=1) for label in labels)
    assert stages == {
        "_arg_text_0_0": TEXT,
        "tokenize": TEXT,
        "model": WEIGHTS,
        "table": WEIGHTS,
        "call": TEXT,
        "table_resource": LAYOUT,
        "ids": TEXT,
        "row_splits": LAYOUT,
        "look_up": ENCODER,
        "lengths": LAYOUT,
        "sum": ENCODER,
        "product": ENCODER,
        "output_RetVal": ANSWER,
        "softmax": ANSWER,
    }


@pytest.mark.parametrize("memory", ["", "[mklcpu 0.4MB 0.4MB] ", "[cpu 1.0MB] [mklcpu 0.4MB] "])
def test_a_label_is_read(memory: str) -> None:
    label = f"{memory}a/b = AddV2(c/d:1, e, ^f)"
    assert parse_label(label) == ("a/b", "AddV2", ("c/d", "e"))
