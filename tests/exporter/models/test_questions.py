"""Models that answer questions, the whole way: exported by the command, asked over REST."""

import base64
import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from bert.checkpoints import ReadOptions, google_research, read
from bert.reference import ReferenceModel
from exporter import export
from exporter.models.checkpoint import OpenedCheckpoint
from exporter.proof import verification
from exporter.proof.verification import VerificationError, verify
from exporter.text.questions import QuestionKeywords
from tests.bert.checkpoints.huggingface.directory import tensors, variables, write_directory
from tests.conftest import load_signatures
from tests.exporter.command import assert_refused, run_here
from tests.exporter.preview.client import preview
from tests.exporter.preview.loading import wait_until_loaded
from tests.exporter.text.texts import corrupted_bytes, fuzzed_strings
from tests.oracles.original_squad import OriginalSpanModel
from tests.tiny_model import tiny_config, tiny_tokens

_PAIRS = (
    ("is the film good", "A very FUNNY film! [SEP] isn't it?"),
    ("", "bad"),
    ("what?", ""),
    ("who " * 40, "the film " * 60),
    ("漢", " \t\n"),
    ("é", "not 漢 é, but good"),
)


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As save_pretrained writes one: without a pooler."""
    values = {
        name.replace("classifier", "qa_outputs"): value
        for name, value in tensors(variables(2)).items()
        if "pooler" not in name
    }
    folder = tmp_path_factory.mktemp("questions") / "model"
    return write_directory(folder, values, "BertForQuestionAnswering")


@pytest.fixture(scope="module")
def squad(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, OriginalSpanModel]:
    """A checkpoint that the original's saver wrote, and the original itself."""
    folder = tmp_path_factory.mktemp("squad")
    tokens = tiny_tokens()
    vocabulary = "".join(f"{token}\n" for token in tokens).encode()
    google_research.write_settings(folder, tiny_config(len(tokens)), vocabulary, True, 48)
    original = OriginalSpanModel(folder / "bert_config.json", seed=3)
    original.save(folder / "model.ckpt")
    return folder, original


@pytest.fixture(scope="module")
def version_directory(directory: Path) -> Path:
    report = export(directory, directory.parent / "quiet", version=1, warmup=False, verify=False)
    return report.version_directory


def inputs(pairs: Any) -> dict[str, tf.Tensor]:
    question, context = zip(*pairs, strict=True)
    return {"question": tf.constant(question), "context": tf.constant(context)}


@pytest.mark.parametrize("flags", [(), ("--null_answer", "--noalign_to_words")])
def test_by_the_command(
    directory: Path, flags: tuple[str, ...], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """With warm-up and verification."""
    export_dir = tmp_path / "answers"
    outcome = run_here(capfd, f"--checkpoint={directory}", f"--export_dir={export_dir}", *flags)
    assert outcome.code == 0, outcome.errors
    assert "question_answering" in outcome.output
    assert "logits within" in outcome.output
    assert '{"question":"Is it any good?","context":' in outcome.output
    instances = [{"question": question, "context": context} for question, context in _PAIRS]
    with preview("answers", export_dir) as client:
        wait_until_loaded(client, "answers")
        answer = client.predict({"instances": instances}, model="answers")
        several = client.predict(
            {"signature_name": "answers", "instances": instances}, model="answers"
        )
        unequal = client.predict({"inputs": {"question": ["a"], "context": []}}, model="answers")
    assert answer.status == several.status == 200
    for (_, context), one, more in zip(
        _PAIRS, answer.json()["predictions"], several.json()["predictions"], strict=True
    ):
        assert one["answer"] == context[one["start"] : one["end"]]
        assert one["score"] >= 0
        for text, score, start, end in zip(
            more["answers"], more["scores"], more["starts"], more["ends"], strict=True
        ):
            assert text == (context[start:end] if score >= 0 else "")
            assert score >= 0 or (start, end) == (-1, -1)
        if not context.strip() and not flags:
            assert one == {"answer": "", "score": 0.0, "start": 0, "end": 0}
    assert unequal.status == 400
    (version,) = (path for path in export_dir.iterdir() if path.name.isdecimal())
    told = json.loads((version / "assets.extra" / "export.json").read_text())
    assert told["signatures"] == [
        "serving_default",
        "text",
        "answers",
        "features",
        "features_with_label_ids",
        "tokenize",
    ]


def test_features(version_directory: Path, directory: Path) -> None:
    """Masked columns in between, and rows of several lengths."""
    generator = np.random.default_rng(5)
    mask = (generator.random([6, 14]) < 0.6).astype(np.int32)
    mask[:, 0] = 1
    given = {
        "input_ids": generator.integers(5, 100, [6, 14], np.int32),
        "input_mask": mask,
        "segment_ids": generator.integers(0, 2, [6, 14], np.int32),
    }
    found = load_signatures(version_directory)["features"](
        **{name: tf.constant(value) for name, value in given.items()}
    )
    model = read(directory, ReadOptions())
    expected = ReferenceModel(model).answers(*given.values())["logits"] * mask[:, :, np.newaxis]
    for column, name in enumerate(("start_logits", "end_logits")):
        np.testing.assert_allclose(found[name], expected[:, :, column], rtol=1e-5, atol=1e-5)


def test_a_row_of_a_batch_is_the_row_alone(version_directory: Path) -> None:
    """Windows of all rows run together, in groups by length."""
    signatures = load_signatures(version_directory)
    for name in ("text", "answers"):
        together = signatures[name](**inputs(_PAIRS))
        for row, pair in enumerate(_PAIRS):
            for key, values in signatures[name](**inputs([pair])).items():
                if values.dtype == tf.float32:
                    np.testing.assert_allclose(together[key][row], values[0], atol=1e-5)
                else:
                    assert together[key].numpy()[row : row + 1].tolist() == values.numpy().tolist()


def test_tokenize_has_the_whole_context(version_directory: Path, directory: Path) -> None:
    """Windows see all of it; only a question is ever cut."""
    model = read(directory, ReadOptions())
    settings = QuestionKeywords().question_settings(model)
    assert settings is not None
    query = settings.max_query_length
    pairs = [("film " * count, "bad " * 300) for count in (query, query + 1)]
    answer = load_signatures(version_directory)["tokenize"](**inputs(pairs))
    assert answer["truncated"].numpy().tolist() == [False, True]
    tokens = [b"[CLS]", *[b"film"] * query, b"[SEP]", *[b"bad"] * 300, b"[SEP]"]
    assert answer["tokens"].numpy().tolist() == [tokens] * 2
    place = query + 2
    assert (
        answer["starts"].numpy()[:, place : place + 300].tolist() == [list(range(0, 1200, 4))] * 2
    )


def test_many_rows_beside_a_long_one_are_refused(version_directory: Path) -> None:
    """Where padding would take more memory than the tokens."""
    tokenize = load_signatures(version_directory)["tokenize"]
    pairs = [("", "a")] * 1023 + [("", "a " * 4093)]
    assert tokenize(**inputs(pairs))["input_ids"].shape == [1024, 4096]
    with pytest.raises(tf.errors.InvalidArgumentError, match="send fewer rows"):
        tokenize(**inputs([*pairs, *pairs[:1]]))


def test_answers_of_several_windows_are_verified(
    version_directory: Path, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever cuts windows elsewhere finds other answers in long contexts."""
    opened = OpenedCheckpoint(read(directory, ReadOptions()))
    own = QuestionKeywords().question_settings(opened.model)
    assert own is not None
    other = dataclasses.replace(own, doc_stride=own.doc_stride - 1)
    words = b"the film is not very funny but bad and good "
    rows = [(b"is it?", words * 10), *[(b"is it?", words)] * 15]
    monkeypatch.setattr(verification, "adversarial_rows", lambda *_: rows)
    with pytest.raises(VerificationError, match="answers of"):
        verify(version_directory, opened, True, None, questions=other)


def test_no_rows(version_directory: Path) -> None:
    signatures = load_signatures(version_directory)
    empty = tf.constant([], tf.string)
    for name in ("text", "answers", "tokenize"):
        for values in signatures[name](question=empty, context=empty).values():
            assert values.shape[0] == 0


def test_hostile_texts(directory: Path, version_directory: Path, full: bool) -> None:
    """Over REST every answer is strict JSON."""
    count = 5_000 if full else 150
    texts = [
        text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        for text in (*fuzzed_strings(count // 2, 81), *corrupted_bytes(count // 2, 82))
    ]
    encoded = [{"b64": base64.b64encode(text).decode("ascii")} for text in texts]
    with preview("quiet", version_directory.parent) as client:
        wait_until_loaded(client, "quiet")
        for signature in ("text", "answers", "tokenize"):
            for start in range(0, count, 25):
                rows = encoded[start : start + 25]
                body = {"question": rows[::-1], "context": rows}
                answer = client.predict(
                    {"signature_name": signature, "inputs": body}, model="quiet"
                )
                assert answer.status == 200, answer.body[:300]
                assert answer.json()


def test_answers_decoded_otherwise_are_told(version_directory: Path, directory: Path) -> None:
    """The artefact gives whole words."""
    model = read(directory, ReadOptions())
    settings = QuestionKeywords(align_to_words=False, null_answer=True).question_settings(model)
    with pytest.raises(VerificationError, match="answers of"):
        verify(version_directory, OpenedCheckpoint(model), True, None, questions=settings)


def test_a_checkpoint_of_run_squad(
    squad: tuple[Path, OriginalSpanModel], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, original = squad
    export_dir = tmp_path / "squad"
    arguments = [f"--checkpoint={folder}", f"--export_dir={export_dir}", "--null_answer"]
    outcome = run_here(capfd, *arguments, "--nowarmup", "--doc_stride=9")
    assert outcome.code == 0, outcome.errors
    assert "logits within" in outcome.output
    (version,) = (path for path in export_dir.iterdir() if path.name.isdecimal())
    signatures = load_signatures(version)
    tokens = signatures["tokenize"](**inputs(_PAIRS))
    # The position table has 64 rows, and `tokenize` gives the whole of longer contexts.
    given = [tokens[name].numpy()[:, :64] for name in ("input_ids", "input_mask", "segment_ids")]
    names = ("input_ids", "input_mask", "segment_ids")
    found = signatures["features"](**dict(zip(names, map(tf.constant, given), strict=True)))
    expected = original.logits(*given) * given[1][:, :, np.newaxis]
    for column, name in enumerate(("start_logits", "end_logits")):
        np.testing.assert_allclose(found[name], expected[:, :, column], rtol=0, atol=1e-5)
    assert signatures["answers"](**inputs(_PAIRS))["answers"].shape == (len(_PAIRS), 20)


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("--text_pair", "question and context"),
        ("--top_k=2", "question_answering"),
        ("--aggregation_strategy=max", "question_answering"),
        ("--task=classification", "--task"),
        ("--labels=a,b", "--labels"),
        ("--doc_stride=29", "--doc_stride is 29"),
        ("--max_query_length=27", "--max_query_length 27"),
        ("--max_answer_length=0", "--max_answer_length is 0"),
        ("--n_best_size=101", "--n_best_size is 101"),
    ],
)
def test_flags_that_do_not_fit(
    flag: str, told: str, directory: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    arguments = [f"--checkpoint={directory}", f"--export_dir={tmp_path / 'served'}", flag]
    assert_refused(run_here(capfd, *arguments), told)


@pytest.mark.parametrize(
    "flag",
    ["--doc_stride=2", "--max_query_length=9", "--null_answer", "--align_to_words"],
)
def test_flags_for_questions(flag: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    checkpoint = write_directory(tmp_path / "classifier")
    arguments = [f"--checkpoint={checkpoint}", f"--export_dir={tmp_path / 'served'}", flag]
    assert_refused(run_here(capfd, *arguments), flag.partition("=")[0])
