"""No request ends the process: every guard case through the C API, against saved artefacts.

The default suite asks the cases of some exports in one process each, --full those of every
tokenizer in a process for each case. `scripts/compatibility_matrix --guards` asks them on
other releases.
"""

from pathlib import Path

import numpy as np
import pytest

from bert.model import GOOGLE_RESEARCH, HUGGINGFACE, TENSORFLOW_TEXT, TENSORFLOW_TEXT_FAST
from exporter import export
from tests.full import sampled
from tests.programs.compatibility import guards
from tests.programs.compatibility.asking import ProcessDied, Signature, process, read_signatures
from tests.programs.compatibility.guard_cases import Case, ordinary_inputs
from tests.tiny_model import LABELS, TinyModel

# tokenizer, pairs, --target_serving; of google_research the default suite has exports at hand
_EXPORTS = [
    (tokenizer, text_pair, target)
    for tokenizer, target in (
        (GOOGLE_RESEARCH, "2.5.1"),
        (HUGGINGFACE, "2.12.0"),
        (TENSORFLOW_TEXT, "2.12.0"),
        (TENSORFLOW_TEXT_FAST, "2.12.0"),
    )
    for text_pair in (False, True)
]
_SAMPLE = [(TENSORFLOW_TEXT_FAST, False, "2.12.0")]
# The others have no graph of their own between these and the answer.
_SAMPLED_SIGNATURES = frozenset({"text", "tokenize", "features", "classify"})
# What another tokenizer or a second text changes.
_SIGNATURES_OF_TEXT = frozenset({"text", "tokenize"})

_TINY_BOUNDS = {"vocab_size": 124, "positions": 64}


@pytest.mark.parametrize(("tokenizer", "text_pair", "target"), sampled(_EXPORTS, _SAMPLE))
def test_guards(
    tiny_model: TinyModel, tmp_path: Path, tokenizer: str, text_pair: bool, target: str, full: bool
) -> None:
    report = export(
        tiny_model.prefix,
        tmp_path / "served",
        labels=LABELS,
        tokenizer=tokenizer,
        text_pair=text_pair,
        target_serving=target,
        warmup=False,
        verify=False,
    )
    assert_guarded(report.version_directory, _SIGNATURES_OF_TEXT, full)


def test_guards_of_the_default_export(tiny_export: Path, full: bool) -> None:
    assert_guarded(tiny_export, _SAMPLED_SIGNATURES, full)


def test_guards_of_pairs(pair_export: Path, full: bool) -> None:
    assert_guarded(pair_export, _SIGNATURES_OF_TEXT | {"classify"}, full)


def assert_guarded(directory: Path, sampled_signatures: frozenset[str], full: bool) -> None:
    report = guards.check_guards(
        directory,
        one_process_per_case=full,
        signature_names=None if full else sampled_signatures,
    )
    assert report.requests > 40
    assert [str(finding) for finding in report.findings] == []
    assert report.largest_memory_mb <= guards.MEMORY_BOUND_MB


def test_the_bounds_are_those_of_the_model(tiny_export: Path) -> None:
    bounds = guards.bounds_of(tiny_export)
    assert (bounds.vocab_size, bounds.positions) == tuple(_TINY_BOUNDS.values())
    assert bounds.text_names == ["text"]


@pytest.fixture(scope="module")
def unguarded(tmp_path_factory: pytest.TempPathFactory) -> Signature:
    """FastBertTokenizer as many export it: nothing says that `text` has rank 1."""
    import tensorflow as tf
    import tensorflow_text

    directory = tmp_path_factory.mktemp("unguarded") / "1"
    module = tf.Module()
    module.tokenizer = tensorflow_text.FastBertTokenizer(vocab=["[UNK]", "a", "b"])

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "text")])
    def lengths(text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"lengths": module.tokenizer.tokenize(text).row_lengths()}

    tf.saved_model.save(module, str(directory), signatures={"serving_default": lengths})
    return read_signatures(directory)["serving_default"]


def test_a_graph_without_guards_dies_of_a_scalar(unguarded: Signature) -> None:
    """What all this is for; and the C API lets such a request through to the graph."""
    with process("C API") as asking:
        right = asking.ask(unguarded.request({"text": np.array([b"a b", b"a"], object)}))
        assert right.outputs["lengths"].tolist() == [2, 1]
        with pytest.raises(ProcessDied, match="exit code -11"):
            asking.ask(unguarded.request({"text": np.array(b"a", object)}))


def test_wrong_verdicts_are_found(tiny_export: Path) -> None:
    """The judge does not pass everything."""
    bounds = guards.bounds_of(tiny_export)
    text = read_signatures(tiny_export)["text"]
    with process("C API") as asking:
        right = asking.ask(text.request(ordinary_inputs(["text"], bounds)))
        scalar = asking.ask(text.request({"text": np.array(b"a", object)}))
    assert guards.fault_of(right, Case({}, 2)) is None
    assert guards.fault_of(right, Case({}, 3)) == "probabilities is [2, 3], expected 3 rows"
    assert "expected INVALID_ARGUMENT" in (
        guards.fault_of(right, Case({}, "INVALID_ARGUMENT")) or ""
    )
    assert guards.fault_of(scalar, Case({}, "INVALID_ARGUMENT")) is None
    assert "INVALID_ARGUMENT" in (guards.fault_of(scalar, Case({}, 1)) or "")
