"""Masked language models that transformers saved, exported, against its FillMaskPipeline."""

import json
import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from exporter import export
from tests.acceptance.conftest import written_texts
from tests.conftest import load_signatures
from tests.oracles.transformers_environment import TransformersEnvironment
from tests.repository import ROOT
from tests.tiny_model import tiny_tokens

_TOLERANCE = 1e-5
_TEXTS = 200
_MASK = "[MASK]"
_OF_MPNET = {"[PAD]": "<pad>", "[CLS]": "<s>", "[SEP]": "</s>", _MASK: "<mask>"}


class Oracle(NamedTuple):
    """The models that were written, and the texts."""

    directory: Path
    texts: list[str]


def masked(texts: list[str]) -> list[str]:
    """Texts with a mask before, within or behind them, with two, and with none."""
    forms = ("[MASK] {0}", "{1} [MASK] {2}", "{1}[MASK]{2}", "{1} [MASK] x [MASK] {2}", "{0}")
    return [
        forms[number % len(forms)].format(text, text[:30], text[30:])
        for number, text in enumerate(texts)
    ]


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    environment = TransformersEnvironment()
    directory = tmp_path_factory.mktemp("words")
    vocabularies = {"uncased": str(environment.minilm / "vocab.txt")}
    cased = tiny_tokens(do_lower_case=False)
    # MPNet's padding has the id 1.
    of_mpnet = [_OF_MPNET.get(token, token) for token in ("[CLS]", *tiny_tokens())]
    of_mpnet = list(dict.fromkeys(of_mpnet))
    for name, tokens in (("cased", cased), ("mpnet", of_mpnet)):
        file = directory / f"{name}.txt"
        file.write_text("".join(f"{token}\n" for token in tokens))
        vocabularies[name] = str(file)
    written = written_texts(seed=91)
    texts = masked(written[:: len(written) // _TEXTS][:_TEXTS])
    assert len(texts) == _TEXTS
    request = directory / "request.json"
    request.write_text(json.dumps({"vocabularies": vocabularies, "texts": texts}))
    script = ROOT / "tests" / "oracles" / "transformers_words.py"
    result = subprocess.run(
        [environment.python, script, directory, request], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr[-4000:]
    return Oracle(directory, texts)


@pytest.mark.parametrize(
    "name", ["bert", "cased", "distilbert", "electra", "albert", "ernie", "mpnet"]
)
def test_words_are_those_of_the_pipeline(name: str, oracle: Oracle, tmp_path: Path) -> None:
    report = export(oracle.directory / name, tmp_path / "served", warmup=False, verify=False)
    mask = "<mask>" if name == "mpnet" else _MASK
    texts = [text.replace(_MASK, mask).encode() for text in oracle.texts]
    found = load_signatures(report.version_directory)["text"](text=tf.constant(texts))
    tokens, scores = found["tokens"].numpy(), found["scores"].numpy()
    expected = json.loads((oracle.directory / f"{name}.json").read_text())
    refused = sum(words is None for words in expected)
    assert _TEXTS // 10 < refused < _TEXTS // 2
    for row, words in enumerate(expected):
        if words is None:
            assert set(tokens[row]) == {b""} and set(scores[row]) == {-1}
            continue
        assert [token.decode() for token in tokens[row]] == [piece for piece, _ in words], row
        np.testing.assert_allclose(
            scores[row], [score for _, score in words], rtol=0, atol=_TOLERANCE
        )


def test_by_the_command(oracle: Oracle, tmp_path: Path) -> None:
    """With gate, warm-up and verification: the table of 30,522 words."""
    report = export(oracle.directory / "bert", tmp_path / "served")
    assert report.verification is not None
    assert report.verification.largest_probability_difference <= _TOLERANCE
