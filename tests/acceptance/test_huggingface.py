"""What transformers and sentence-transformers save, exported, against what they answer."""

import json
import pickle
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from bert.errors import UserError
from exporter import export
from tests.acceptance.conftest import data_folder, written_texts
from tests.conftest import load_signatures
from tests.exporter.command import run
from tests.exporter.preview.client import preview
from tests.exporter.preview.loading import wait_until_loaded
from tests.oracles.transformers_environment import TransformersEnvironment
from tests.repository import ROOT
from tests.tiny_model import tiny_tokens

_TOLERANCE = 1e-5
_BATCH = 64

_CLASSIFIERS = (
    "classifier",
    "cased_gelu_new",
    "relu",
    "four_types",
    "sharded",
    "float16",
    "bfloat16",
    "gamma_beta",
    "multilabel",
    "regression",
    "told_regression",
)
_RELATIVES = ("albert", "distilbert", "electra", "ernie", "mpnet")
_FORMS = (
    "classifier",
    "sharded",
    "multilabel",
    "regression",
    "encoder",
    "small_encoder",
    "sentence",
    "tagger",
    "small_tagger",
)
_LITERALS = ("a <mask> film <s></s><pad>x <pad> <mask>", "<pad>", "film is good <pad> " * 40)
_ENCODERS = (
    "encoder",
    "encoder_without_pooler",
    *(f"sentence_{mode}{end}" for mode in ("mean", "cls", "max") for end in ("", "_normalized")),
)


class Oracle(NamedTuple):
    """The models that were written, and what their libraries say."""

    directory: Path
    texts: list[str]
    sentences: list[str]
    """the development sentences of SST-2"""

    def expected(self, name: str) -> tuple[list[list[int]], np.ndarray]:
        """Ids of every text, and the answers."""
        with np.load(self.directory / f"{name}.npz") as arrays:
            rows = np.split(arrays["ids"], np.cumsum(arrays["lengths"])[:-1])
            return [row.tolist() for row in rows], arrays["answers"]


@pytest.fixture(scope="module")
def environment() -> TransformersEnvironment:
    return TransformersEnvironment()


def written_oracle(environment: TransformersEnvironment, directory: Path, program: str) -> Oracle:
    uncased = (environment.minilm / "vocab.txt").read_text(encoding="utf-8").splitlines()
    tokens = {"uncased": uncased, "cased": tiny_tokens(do_lower_case=False)}
    # As the vocabulary of microsoft/mpnet-base was made from BERT's.
    of_mpnet = ("<s>", "<pad>", "</s>", "<unk>")
    tokens |= {f"mpnet_{casing}": [*of_mpnet, *tokens[casing], "<mask>"] for casing in tokens}
    for name, lines in tokens.items():
        (directory / f"{name}.txt").write_text("".join(f"{line}\n" for line in lines))
    written = [*written_texts(seed=61), *_LITERALS]
    dev = (data_folder() / "sst2" / "dev.tsv").read_text(encoding="utf-8").splitlines()
    sentences = [line.split("\t")[0] for line in dev]
    request = directory / "request.json"
    request.write_text(
        json.dumps(
            {
                "vocabularies": {name: str(directory / f"{name}.txt") for name in tokens},
                "minilm": str(environment.minilm),
                "texts": written,
                "sentences": sentences,
            }
        )
    )
    result = subprocess.run(
        [environment.python, "-m", f"tests.oracles.{program}", directory, request],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    return Oracle(directory, written, sentences)


@pytest.fixture(scope="module")
def oracle(
    environment: TransformersEnvironment, tmp_path_factory: pytest.TempPathFactory
) -> Oracle:
    return written_oracle(
        environment, tmp_path_factory.mktemp("transformers"), "transformers_models"
    )


@pytest.fixture(scope="module")
def relatives(
    environment: TransformersEnvironment, tmp_path_factory: pytest.TempPathFactory
) -> Oracle:
    return written_oracle(
        environment, tmp_path_factory.mktemp("relatives"), "transformers_relatives"
    )


def assert_same(
    version_directory: Path, oracle: Oracle, name: str, columns: Mapping[str, Sequence[str]]
) -> None:
    """Ids and answers of every row, through the saved artefact."""
    expected_ids, expected = oracle.expected(name)
    signatures = load_signatures(version_directory)
    answers, different = [], 0
    for start in range(0, len(expected_ids), _BATCH):
        rows = {
            key: tf.constant([text.encode() for text in column[start : start + _BATCH]])
            for key, column in columns.items()
        }
        tokens = signatures["tokenize"](**rows)
        mask = tokens["input_mask"].numpy().astype(bool)
        if "tags" in signatures:
            answers.append(signatures["tags"](**rows)["probabilities"].numpy()[mask])
        else:
            (answer,) = signatures["text"](**rows).values()
            answers.append(answer.numpy())
        for row, ids, is_token in zip(
            expected_ids[start:], tokens["input_ids"].numpy(), mask, strict=False
        ):
            different += ids[is_token].tolist() != row
    assert different == 0
    np.testing.assert_allclose(np.concatenate(answers), expected, rtol=0, atol=_TOLERANCE)


@pytest.mark.parametrize("name", [*_CLASSIFIERS, *_ENCODERS])
def test_answers_are_those_of_the_library(name: str, oracle: Oracle, tmp_path: Path) -> None:
    report = export(oracle.directory / name, tmp_path / "served", warmup=False, verify=False)
    assert_same(report.version_directory, oracle, name, {"text": oracle.texts})


@pytest.mark.parametrize("form", _FORMS)
@pytest.mark.parametrize("family", _RELATIVES)
def test_relatives(family: str, form: str, relatives: Oracle, tmp_path: Path) -> None:
    name = f"{family}_{form}"
    report = export(relatives.directory / name, tmp_path / "served", warmup=False, verify=False)
    assert_same(report.version_directory, relatives, name, {"text": relatives.texts})


@pytest.mark.parametrize("family", _RELATIVES)
def test_pairs_of_relatives(family: str, relatives: Oracle, tmp_path: Path) -> None:
    name, texts = f"{family}_pair", relatives.texts
    report = export(
        relatives.directory / name, tmp_path / "served", text_pair=True, warmup=False, verify=False
    )
    columns = {"text_a": texts, "text_b": [*texts[1:], texts[0]]}
    assert_same(report.version_directory, relatives, name, columns)


@pytest.mark.parametrize("family", _RELATIVES)
def test_relatives_with_another_head(family: str, relatives: Oracle, tmp_path: Path) -> None:
    """A language model serves as an encoder, a head that is not built is refused by name."""
    name = f"{family}_tied"
    with pytest.raises(UserError, match="ForMultipleChoice, but only"):
        export(relatives.directory / f"{family}_choices", tmp_path / "refused")
    options: dict[str, Any] = {"task": "embedding", "warmup": False, "verify": False}
    report = export(relatives.directory / name, tmp_path / "served", **options)
    assert_same(report.version_directory, relatives, name, {"text": relatives.texts})


@pytest.mark.parametrize("family", _RELATIVES)
def test_relatives_by_the_command(family: str, relatives: Oracle, tmp_path: Path) -> None:
    """Gate, warm-up and verification, in the smaller precision too."""
    for precision in ("float32", "bfloat16"):
        outcome = run(
            f"--checkpoint={relatives.directory / f'{family}_classifier'}",
            f"--export_dir={tmp_path / precision}",
            f"--precision={precision}",
        )
        assert outcome.code == 0, outcome.errors


def test_pairs(oracle: Oracle, tmp_path: Path) -> None:
    report = export(
        oracle.directory / "pair", tmp_path / "served", text_pair=True, warmup=False, verify=False
    )
    columns = {"text_a": oracle.texts, "text_b": [*oracle.texts[1:], oracle.texts[0]]}
    assert_same(report.version_directory, oracle, "pair", columns)


def test_a_classifier_on_minilm(oracle: Oracle, tmp_path: Path) -> None:
    export_dir = tmp_path / "served"
    outcome = run(
        f"--checkpoint={oracle.directory / 'minilm_classifier'}", f"--export_dir={export_dir}"
    )
    assert outcome.code == 0, outcome.errors
    (version,) = (path for path in export_dir.iterdir() if path.name.isdecimal())
    assert_same(version, oracle, "minilm_classifier", {"text": oracle.sentences})


def test_sentence_embeddings_over_rest(oracle: Oracle, tmp_path: Path) -> None:
    """all-MiniLM-L6-v2 by the command alone, against SentenceTransformer.encode."""
    export_dir = tmp_path / "minilm"
    outcome = run(f"--checkpoint={oracle.directory / 'minilm'}", f"--export_dir={export_dir}")
    assert outcome.code == 0, outcome.errors
    (version,) = (path for path in export_dir.iterdir() if path.name.isdecimal())
    assert_same(version, oracle, "minilm", {"text": oracle.sentences})
    assert len(oracle.sentences) == 872
    found: list[list[float]] = []
    with preview("minilm", export_dir) as client:
        wait_until_loaded(client, "minilm")
        for start in range(0, len(oracle.sentences), _BATCH):
            body = {"instances": oracle.sentences[start : start + _BATCH]}
            answer = client.predict(body, model="minilm")
            assert answer.status == 200, answer.body
            found += answer.json()["predictions"]
    _, expected = oracle.expected("minilm")
    np.testing.assert_allclose(np.array(found), expected, rtol=0, atol=_TOLERANCE)


def export_with_torch(
    environment: TransformersEnvironment, checkpoint: Path, export_dir: Path
) -> subprocess.CompletedProcess[str]:
    """The command, with PyTorch to be found behind all that is installed here."""
    program = (
        "import runpy, sys\n"
        f"sys.path.append({str(environment.site_packages)!r})\n"
        "runpy.run_module('exporter', run_name='__main__', alter_sys=True)"
    )
    flags: list[Any] = [f"--checkpoint={checkpoint}", f"--export_dir={export_dir}"]
    return subprocess.run(
        [sys.executable, "-c", program, *flags], capture_output=True, text=True, cwd=ROOT
    )


def test_a_pickle_of_tensors(
    environment: TransformersEnvironment, oracle: Oracle, tmp_path: Path
) -> None:
    checkpoint = oracle.directory / "pickled"
    result = export_with_torch(environment, checkpoint, tmp_path / "served")
    assert result.returncode == 0, result.stderr
    (version,) = (path for path in (tmp_path / "served").iterdir() if path.name.isdecimal())
    assert_same(version, oracle, "pickled", {"text": oracle.texts})


class _Touch:
    """A pickle that makes a file when it is loaded."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self._file,)


def test_a_pickle_of_code_is_not_run(
    environment: TransformersEnvironment, oracle: Oracle, tmp_path: Path
) -> None:
    directory = tmp_path / "model"
    directory.mkdir()
    for file in (oracle.directory / "pickled").iterdir():
        (directory / file.name).write_bytes(file.read_bytes())
    bomb = pickle.dumps({"classifier.bias": _Touch(tmp_path / "ran")}, protocol=2)
    (directory / "pytorch_model.bin").write_bytes(bomb)
    result = export_with_torch(environment, directory, tmp_path / "served")
    assert result.returncode == 1
    assert "can run code" in result.stderr and "Traceback" not in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]
    pickle.loads(bomb)
    assert (tmp_path / "ran").exists()
