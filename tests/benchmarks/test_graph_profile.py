"""The profile tells tokenization from the encoder, in a graph whose parts are known."""

from pathlib import Path

import pytest

from tests.benchmarks.inference.graph_profile import ENCODER, STAGES, TEXT, GraphProfiler, Profile


@pytest.fixture(scope="module")
def profile(tiny_export: Path) -> Profile:
    return GraphProfiler(tiny_export).profile(["the film is good", "fun", "a very bad film"])


def _kinds(profile: Profile, stage: str) -> set[str]:
    return {kind for kind, runs, milliseconds in profile.by_kind(stage)}


def test_tokenization_is_text(profile: Profile) -> None:
    assert "FastWordpieceTokenizeWithOffsets" in _kinds(profile, TEXT)
    assert not any("MatMul" in kind for kind in _kinds(profile, TEXT))


def test_products_and_softmax_are_the_encoder(profile: Profile) -> None:
    for part in ("MatMul", "Softmax"):
        stages = {stage for stage in STAGES if any(part in kind for kind in _kinds(profile, stage))}
        assert stages == {ENCODER}, part


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
    with pytest.raises(ValueError, match="table of floats"):
        tokenizer.profile(["the film"])
