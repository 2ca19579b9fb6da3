"""Taggers that transformers saved, exported, against its TokenClassificationPipeline."""

import json
import random
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from exporter import export
from exporter.contract import AGGREGATION_STRATEGIES, NONE
from tests.acceptance.conftest import written_texts
from tests.conftest import Signatures, load_signatures
from tests.exporter.text.texts import fuzzed_strings
from tests.oracles.transformers_environment import TransformersEnvironment
from tests.repository import ROOT
from tests.tiny_model import tiny_tokens

_TOLERANCE = 1e-5
_BATCH = 64
_STRIDE = 13
_MODELS = ("prefixes", "cased", "plain", "insides", "hyphens")


class Oracle(NamedTuple):
    """The taggers that were written, and what the pipeline says."""

    directory: Path
    texts: list[str]
    long_texts: list[str]

    def entities(self, name: str, strategy: str) -> list[list[list[Any]]]:
        """Text, label, score, start and end of each entity of each text."""
        return json.loads((self.directory / f"{name}.json").read_text())[strategy]

    def probabilities(self, name: str) -> np.ndarray:
        """Of all tokens of all texts, float64 [N, C]."""
        with np.load(self.directory / f"{name}.npz") as arrays:
            logits = arrays["logits"].astype(np.float64)
        exponents = np.exp(logits - logits.max(axis=1, keepdims=True))
        return exponents / exponents.sum(axis=1, keepdims=True)


def written_long_texts(texts: list[str], seed: int) -> list[str]:
    """Texts of up to some 2,000 tokens, and short ones."""
    generator = random.Random(seed)
    parts = [text for text in texts if text.strip()]
    written = ["", "not"]
    while len(written) < 100:
        length = int(20 * 300 ** generator.random())  # characters, 20 to 6,000
        text = ""
        while len(text) < length:
            text += generator.choice(parts) + generator.choice([" ", "  ", "\n", ". "])
        written.append(text[: max(length, 20)])
    return written


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Oracle:
    environment = TransformersEnvironment()
    directory = tmp_path_factory.mktemp("tagging")
    cased = directory / "cased.txt"
    cased.write_text("".join(f"{token}\n" for token in tiny_tokens(do_lower_case=False)))
    vocabularies = {"uncased": str(environment.minilm / "vocab.txt"), "cased": str(cased)}
    more = [line.decode("utf-8", "ignore") for line in fuzzed_strings(100, seed=68)]
    texts = written_texts(seed=67) + more
    request = directory / "request.json"
    long_texts = written_long_texts(texts, seed=69)
    content = {"texts": texts, "long_texts": long_texts, "stride": _STRIDE}
    request.write_text(json.dumps({"vocabularies": vocabularies, **content}))
    script = ROOT / "tests" / "oracles" / "transformers_tagging.py"
    result = subprocess.run(
        [environment.python, script, directory, request], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr[-4000:]
    return Oracle(directory, texts, long_texts)


def assert_entities(
    signatures: Signatures, texts: list[str], expected: list[list[list[Any]]]
) -> None:
    different = []
    for start in range(0, len(expected), _BATCH):
        batch = tf.constant([text.encode() for text in texts[start : start + _BATCH]])
        answer = {key: value.numpy() for key, value in signatures["text"](text=batch).items()}
        for row, entities in enumerate(expected[start : start + _BATCH]):
            found = [
                [text.decode(), label.decode(), first, end]
                for text, label, first, end in zip(
                    *(answer[key][row] for key in ("entities", "labels", "starts", "ends")),
                    strict=True,
                )
                if label
            ]
            assert len(found) == answer["count"][row]
            if found != [[*entity[:2], *entity[3:]] for entity in entities]:
                different.append((texts[start + row], found, entities))
                continue
            np.testing.assert_allclose(
                answer["scores"][row][: len(found)],
                [entity[2] for entity in entities],
                rtol=0,
                atol=_TOLERANCE,
            )
    assert not different, f"{len(different)} of {len(expected)}: {different[:3]}"


def exported(directory: Path, export_dir: Path, strategy: str, **flags: Any) -> Signatures:
    report = export(
        directory, export_dir, aggregation_strategy=strategy, warmup=False, verify=False, **flags
    )
    return load_signatures(report.version_directory)


@pytest.mark.parametrize("strategy", [each for each in AGGREGATION_STRATEGIES if each != NONE])
@pytest.mark.parametrize("name", _MODELS)
def test_entities_of_windows_are_those_of_the_pipeline(
    name: str, strategy: str, oracle: Oracle, tmp_path: Path
) -> None:
    signatures = exported(
        oracle.directory / name, tmp_path / "served", strategy, doc_stride=_STRIDE
    )
    assert_entities(signatures, oracle.long_texts, oracle.entities(f"{name}-windows", strategy))


@pytest.mark.parametrize("strategy", AGGREGATION_STRATEGIES)
@pytest.mark.parametrize("name", _MODELS)
def test_entities_are_those_of_the_pipeline(
    name: str, strategy: str, oracle: Oracle, tmp_path: Path
) -> None:
    signatures = exported(oracle.directory / name, tmp_path / "served", strategy)
    assert_entities(signatures, oracle.texts, oracle.entities(name, strategy))
    probabilities = []
    for start in range(0, len(oracle.texts), _BATCH):
        batch = tf.constant([text.encode() for text in oracle.texts[start : start + _BATCH]])
        tags = signatures["tags"](text=batch)
        probabilities.append(tags["probabilities"].numpy()[tags["tokens"].numpy() != b""])
    np.testing.assert_allclose(
        np.concatenate(probabilities), oracle.probabilities(name), rtol=0, atol=_TOLERANCE
    )
