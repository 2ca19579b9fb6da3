"""Labels of pieces, their loss and the measure of answers, against transformers'."""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from bert.checkpoints import ReadOptions, read
from bert.tasks import TOKEN_CLASSIFICATION
from bert.tokenizers.google_research import FullTokenizer
from bert.training.batches import pack, packed_tokens
from bert.training.questions.official_metrics import evaluate
from bert.training.tagging.encoding import encode_sentence
from bert.training.tagging.sentences import TaggedSentence
from bert.training.token_models import IGNORED, Tagger
from bert.variables import OUTPUT_BIAS, OUTPUT_WEIGHTS
from tests.bert.training.tagging.template_sentences import make_sentences, write_vocabulary
from tests.oracles.transformers_environment import TransformersEnvironment
from tests.repository import ROOT

_LENGTH = 24
_WORDS = ("the", "Eiffel", "tower!", "a", "an", "(1999)", "in", "Paris", "of", "Jean-Luc", "été")


class Oracle(NamedTuple):
    """What was asked, and what transformers says."""

    directory: Path
    request: dict[str, Any]
    result: dict[str, Any]


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    directory = tmp_path_factory.mktemp("training")
    write_vocabulary(directory / "vocab.txt")
    sentences = make_sentences(60, seed=4)
    generator = np.random.default_rng(6)

    def answer(most: int) -> str:
        return " ".join(generator.choice(_WORDS, generator.integers(0, most)))

    answers = [
        [answer(4) for _ in range(generator.integers(0, 4))] if number % 3 else []
        for number in range(600)
    ]
    request = {
        "vocabulary": str(directory / "vocab.txt"),
        "labels": sorted({tag for _, tags in sentences for tag in tags}),
        "sentences": sentences,
        "max_seq_length": _LENGTH,
        "answers": answers,
        "predicted": [answer(4) if number % 2 else "" for number in range(600)],
    }
    file = directory / "request.json"
    file.write_text(json.dumps(request))
    script = ROOT / "tests" / "oracles" / "transformers_training.py"
    python = TransformersEnvironment("transformers4").python
    result = subprocess.run([python, script, directory, file], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr[-4000:]
    return Oracle(directory, request, json.loads((directory / "result.json").read_text()))


def test_labels_of_pieces_and_their_loss(oracle: Oracle) -> None:
    model = read(oracle.directory / "tagger", ReadOptions())
    scope = TOKEN_CLASSIFICATION.head_scope
    head = {f"{scope}{name}": model.weights[name] for name in (OUTPUT_WEIGHTS, OUTPUT_BIAS)}
    tokenizer = FullTokenizer(model.vocabulary, do_lower_case=True)
    names = oracle.request["labels"]
    for kind in ("first", "all"):
        encoded = [
            encode_sentence(
                TaggedSentence([""] * len(words), tuple(words), tuple(tags)),
                tokenizer,
                names,
                _LENGTH,
                label_all_tokens=kind == "all",
            )
            for words, tags in oracle.request["sentences"]
        ]
        assert [each.ids.tolist() for each in encoded] == oracle.result["ids"]
        labels = np.array(oracle.result["labels"][kind])
        labels[labels == -100] = IGNORED
        np.testing.assert_array_equal(np.stack([each.label_id for each in encoded]), labels)
        if kind == "first":
            assert max(map(len, oracle.result["ids"])) == _LENGTH  # some are cut
            batch = pack(encoded)
            losses = Tagger(model.config, {**model.weights, **head}).losses(
                packed_tokens(batch), batch.label_ids
            )
            assert float(losses.numpy().mean()) == pytest.approx(oracle.result["loss"], abs=1e-5)


def test_the_measure_of_answers(oracle: Oracle) -> None:
    found = evaluate(oracle.request["predicted"], oracle.request["answers"], with_negative=True)
    assert {"HasAns_f1", "NoAns_f1"} <= set(found)
    for name, value in found.items():
        assert value == pytest.approx(oracle.result["squad"][name], abs=1e-9), name
