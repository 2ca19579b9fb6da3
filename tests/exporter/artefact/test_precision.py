"""`--precision`: smaller weights, and what the answers are where a processor lacks their ops."""

import dataclasses
import json
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from bert.checkpoints import ReadOptions, read
from bert.encoder.kernels import SCALED_ACTIVATIONS
from bert.encoder.precision import BFLOAT16, FLOAT32, INT8, INT8_SUMS, PRECISIONS, Choice
from bert.model import FineTunedModel
from bert.reference import ReferenceModel
from bert.variables import INTERMEDIATE, OUTPUT, layer, self_attention
from exporter import export
from exporter.contract import REPORT_FILE
from exporter.runtime.reload import run_in_fresh_process
from exporter.runtime.servable import Servable
from exporter.serving.graph_file import read_serving_graph
from tests.exporter.command import assert_refused, run_here
from tests.tiny_model import LABELS, TinyModel, write_tiny_model

# More tokens than the encoder's layer normalisation takes for few, and single rows.
_TEXTS = [b"the film is very good and not bad at all , a fun film it is .", b"fun", b""] * 6

_TOLERANCES = {FLOAT32: 1e-5, BFLOAT16: 5e-2, INT8: 0.1, INT8_SUMS: 0.1}

# What a server's processor or build may lack.
_MACHINES = {
    "as it is": {},
    "without oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "without bfloat16 instructions and VNNI": {"ONEDNN_MAX_CPU_ISA": "AVX512_CORE"},
    "AVX2": {"ONEDNN_MAX_CPU_ISA": "AVX2"},
    # A product in a loop would keep the first layer's weights for all.
    "weights taken for constant": {"TF_ONEDNN_ASSUME_FROZEN_WEIGHTS": "1"},
}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """Wide enough for the kernels of all precisions to matter, and deep enough for a loop."""
    return write_tiny_model(
        tmp_path_factory.mktemp("precision") / "out",
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=128,
    )


@pytest.fixture(scope="module")
def exports(model: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    scratch = tmp_path_factory.mktemp("served")
    return {
        precision: export(
            model.prefix,
            scratch / precision,
            version=1,
            labels=LABELS,
            precision=PRECISIONS[precision].flag_value,
            # int8 is by the op of these servers, or by one that older ones have too.
            target_serving="2.17.0" if precision == INT8 else "2.12.0",
            warmup=False,
            verify=False,
        ).version_directory
        for precision in _TOLERANCES
    }


def _run(
    directory: Path, choices: Sequence[Choice] = ({},)
) -> tuple[list[list[int]], list[np.ndarray]]:
    """Ids and probabilities of the texts."""
    rows = [(text,) for text in _TEXTS]
    ids, runs, *_ = run_in_fresh_process(directory, rows, ["text"], ["probabilities"], choices)
    return ids, [np.stack([outputs["probabilities"] for outputs in run]) for run in runs]


def _expected(model: FineTunedModel, rows: Sequence[Sequence[int]]) -> np.ndarray:
    """The probabilities of rows of ids by the NumPy witness."""
    witness = ReferenceModel(model)
    features = [np.array([row]) for row in rows]
    return np.concatenate(
        [witness.answers(ids, ids * 0 + 1, ids * 0)["probabilities"] for ids in features]
    )


@pytest.mark.parametrize(
    ("precision", "machine"),
    [
        (precision, machine)
        for precision in _TOLERANCES
        for machine in _MACHINES
        # No such machine: TensorFlow asks the processor itself for its kind of product, and oneDNN,
        # told of less than there is, refuses it.
        if (precision, machine) != (BFLOAT16, "AVX2")
    ],
)
def test_answers_on_other_machines(
    precision: str,
    machine: str,
    exports: dict[str, Path],
    model: TinyModel,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in _MACHINES[machine].items():
        monkeypatch.setenv(name, value)
    ids, (answers,) = _run(exports[precision])
    assert answers.dtype == np.float32
    expected = _expected(read(model.prefix, ReadOptions(labels=LABELS)), ids)
    np.testing.assert_allclose(answers, expected, atol=_TOLERANCES[precision], rtol=0)


def test_weights_made_float32(exports: dict[str, Path], model: TinyModel) -> None:
    """Nothing but the weights is rounded then."""
    ids, (always, never) = _run(exports[BFLOAT16], PRECISIONS[BFLOAT16].choices)
    exact = read(model.prefix, ReadOptions(labels=LABELS))
    weights = {
        name: values if _stays_float32(name) else _rounded(values, _factor(name, exact))
        for name, values in exact.weights.items()
    }
    # The value's bias, of which the output's takes care, is multiplied before anything is rounded.
    for index in range(exact.config.num_hidden_layers):
        output, value = f"{layer(index)}/attention/output/dense", f"{self_attention(index)}/value"
        moved = exact.weights[f"{value}/bias"] @ exact.weights[f"{output}/kernel"]
        weights[f"{output}/bias"] = exact.weights[f"{output}/bias"] + moved
        weights[f"{value}/bias"] = np.zeros_like(exact.weights[f"{value}/bias"])
        # So is the output's bias, which the residual brings into the rounded product.
        widened = f"{layer(index)}/{INTERMEDIATE}"
        rounding = weights[f"{widened}/kernel"] - exact.weights[f"{widened}/kernel"]
        residual = exact.weights[f"{layer(index)}/{OUTPUT}/bias"]
        weights[f"{widened}/bias"] = exact.weights[f"{widened}/bias"] + residual @ rounding
    expected = _expected(dataclasses.replace(exact, weights=weights), ids)
    np.testing.assert_allclose(always, expected, atol=1e-5, rtol=0)
    assert np.abs(never - expected).max() > 2e-3


def _stays_float32(name: str) -> bool:
    of_encoder = name.endswith("/dense/bias") or "LayerNorm" in name
    return of_encoder or name.startswith("output_")


def _factor(name: str, model: FineTunedModel) -> np.float32:
    """What a kernel is multiplied with before it is kept, for the activation beside it."""
    inner, outer = SCALED_ACTIVATIONS[model.config.hidden_act].factors
    factors = {INTERMEDIATE: inner, OUTPUT: outer}
    of_kernel = [
        factor for scope, factor in factors.items() if re.search(rf"\d/{scope}/kernel", name)
    ]
    return np.float32(of_kernel[0] if of_kernel else 1.0)


def _rounded(values: np.ndarray, factor: np.float32) -> np.ndarray:
    return (values * factor).astype(tf.bfloat16.as_numpy_dtype).astype(np.float32) / factor


def test_they_differ_and_take_less(exports: dict[str, Path], model: TinyModel) -> None:
    texts = np.array(_TEXTS, dtype=object)
    answers = {
        precision: Servable(directory).predict("text", {"text": texts})["probabilities"]
        for precision, directory in exports.items()
    }
    for precision in (BFLOAT16, INT8, INT8_SUMS):
        assert np.abs(answers[FLOAT32] - answers[precision]).max() > 1e-5
    sizes = {
        precision: next(directory.glob("variables/*.data-*")).stat().st_size
        for precision, directory in exports.items()
    }
    # The rest is the tokenizer's.
    weights = sum(values.nbytes for values in model.weights.values())
    assert sizes[FLOAT32] - sizes[BFLOAT16] == pytest.approx(weights / 2, rel=0.1)
    # But for scales, biases, and what the last layer's attention needs.
    assert sizes[FLOAT32] - sizes[INT8] > weights / 2
    assert sizes[FLOAT32] - sizes[INT8_SUMS] > weights / 2


@pytest.mark.parametrize("precision", [INT8, INT8_SUMS])
def test_the_op_is_one_that_the_servers_have(precision: str, exports: dict[str, Path]) -> None:
    ops = {
        node.op
        for function in read_serving_graph(exports[precision]).graph_def.library.function
        for node in function.node_def
    }
    assert ops & {PRECISIONS[each].op for each in (INT8, INT8_SUMS)} == {PRECISIONS[precision].op}


def test_every_output_is_float32(exports: dict[str, Path]) -> None:
    for name, signature in read_serving_graph(exports[BFLOAT16]).signature_def.items():
        for output in signature.outputs.values():
            assert output.dtype != tf.bfloat16.as_datatype_enum, name


def test_the_command_says_what_changed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # With these weights no two labels of a text are as likely but for rounding.
    model = write_tiny_model(
        tmp_path / "out",
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        intermediate_size=128,
        seed=1,
    )
    outcome = run_here(
        capfd,
        f"--checkpoint={model.prefix}",
        f"--export_dir={tmp_path}",
        "--version=1",
        "--precision=bfloat16",
        "--nowarmup",
    )
    assert outcome.code == 0, outcome.errors
    assert "precision   bfloat16" in outcome.output
    assert "of which 0 changed their label" in outcome.output
    report = json.loads((tmp_path / "1" / REPORT_FILE).read_text())
    assert report["precision"] == "bfloat16"
    assert 1e-5 < report["verification"]["largest_probability_difference"] < _TOLERANCES[BFLOAT16]


def test_a_saved_model_is_kept_as_it_is(
    model: TinyModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    saved_model = export(
        model.prefix,
        tmp_path / "first",
        labels=LABELS,
        default_signature="features",
        warmup=False,
        verify=False,
    ).version_directory
    outcome = run_here(
        capfd,
        f"--checkpoint={saved_model}",
        f"--vocab_file={model.directory / 'vocab.txt'}",
        f"--export_dir={tmp_path / 'models'}",
        "--precision=bfloat16",
    )
    assert_refused(outcome, "--precision", "bfloat16", "kept as it is")
    assert not list((tmp_path / "models").glob("*"))
