"""From a file of SQuAD's to a server: training, its measure, export, answers over REST."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import pytest
import tensorflow as tf
from absl import flags

from bert.checkpoints import ReadOptions, read
from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.model import RUN_SQUAD
from bert.run_squad import define_flags, main
from bert.training.questions.official_metrics import evaluate, normalize
from exporter import export
from tests.bert.training.initializing import NO_DROPOUT
from tests.bert.training.questions.squad_data import paragraph, question, write_squad
from tests.bert.training.questions.template_questions import write_questions, write_vocabulary
from tests.conftest import load_signatures
from tests.exporter.preview.client import Client, preview
from tests.exporter.preview.loading import wait_until_loaded
from tests.full import sampled
from tests.repository import ROOT
from tests.tiny_model import tiny_config, write_tiny_model

_TRAIN, _DEV = 1200, 200
_LENGTHS = ("--max_seq_length=64", "--doc_stride=32", "--max_query_length=12")


class Trained(NamedTuple):
    """What a training left."""

    folder: Path
    with_negative: bool
    output: str

    def asked(self) -> list[tuple[str, str, str, list[str]]]:
        """Id, question, context and right answers."""
        content = json.loads((self.folder / "dev.json").read_text())
        return [
            (qa["id"], qa["question"], found["context"], [each["text"] for each in qa["answers"]])
            for found in content["data"][0]["paragraphs"]
            for qa in found["qas"]
        ]

    def written(self, name: str) -> dict[str, Any]:
        return json.loads((self.folder / "out" / name).read_text())

    def results(self) -> dict[str, float]:
        text = (self.folder / "out" / "eval_results.txt").read_text()
        assert self.output.startswith(text)
        pairs = (line.split(" = ") for line in text.splitlines())
        return {name: float(value) for name, value in pairs}


@pytest.fixture(scope="module", params=sampled(("2.0", "1.1"), ["2.0"]))
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """From random weights, with the data and `out` in a folder."""
    with_negative = request.param == "2.0"
    folder = tmp_path_factory.mktemp("squad")
    train = write_questions(folder / "train.json", _TRAIN, 1, with_negative)
    dev = write_questions(folder / "dev.json", _DEV, 2, with_negative)
    vocabulary = folder / "vocab.txt"
    config = tiny_config(
        write_vocabulary(vocabulary), hidden_size=32, intermediate_size=64, **NO_DROPOUT
    )
    (folder / "bert_config.json").write_text(config.to_google_research_json())
    command = [sys.executable, "-m", "bert.run_squad", f"--train_file={train}"]
    command += [f"--predict_file={dev}", f"--vocab_file={vocabulary}", *_LENGTHS]
    command += [f"--bert_config_file={folder / 'bert_config.json'}", "--do_train", "--do_predict"]
    command += [f"--output_dir={folder / 'out'}", "--num_train_epochs=16", "--learning_rate=3e-3"]
    command += ["--version_2_with_negative"] if with_negative else []
    result = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    assert result.returncode == 0, result.stderr
    return Trained(folder, with_negative, result.stdout)


@pytest.fixture(scope="module")
def client(trained: Trained) -> Iterator[Client]:
    # The signature that is asked, without warm-up: the others take most of the time.
    export(
        trained.folder / "out",
        trained.folder / "models" / "answers",
        doc_stride=32,
        max_query_length=12,
        null_answer=trained.with_negative,
        signatures=["text"],
        warmup=False,
        verify=False,
    )
    with preview("answers", trained.folder / "models" / "answers") as client:
        wait_until_loaded(client, "answers")
        yield client


def test_unseen_contexts_are_answered(trained: Trained) -> None:
    results = trained.results()
    assert results["exact" if trained.with_negative else "exact_match"] >= 90.0
    assert results["f1"] >= 90.0
    if trained.with_negative:
        assert results["NoAns_total"] == _DEV / 4


def test_the_measure_is_that_of_the_written_answers(trained: Trained) -> None:
    predictions = trained.written("predictions.json")
    asked = trained.asked()
    assert list(predictions) == [identity for identity, *_ in asked]
    expected = [answers for *_, answers in asked]
    results = evaluate(list(predictions.values()), expected, trained.with_negative)
    assert trained.results() == {name: pytest.approx(value) for name, value in results.items()}
    several = trained.written("nbest_predictions.json")
    assert [set(each[0]) for each in several.values()] == [
        {"text", "probability", "start_logit", "end_logit"}
    ] * len(several)
    if trained.with_negative:
        odds = trained.written("null_odds.json")
        assert {key for key, value in odds.items() if value > 0} == {
            key for key, text in predictions.items() if not text
        }


def test_the_checkpoint_says_what_it_is(trained: Trained) -> None:
    model = read(trained.folder / "out", ReadOptions())
    assert (model.task.name, model.answer_rules) == ("question_answering", RUN_SQUAD)
    assert (model.labels, model.max_seq_length) == ((), 64)


def test_answers_over_rest_are_as_right(trained: Trained, client: Client) -> None:
    asked = trained.asked()
    instances = [{"question": query, "context": context} for _, query, context, _ in asked]
    answers = client.predict({"instances": instances}, "answers").json()["predictions"]
    texts = [answer["answer"] for answer in answers]
    results = evaluate(texts, [told for *_, told in asked], trained.with_negative)
    exact = results["exact" if trained.with_negative else "exact_match"]
    assert exact >= 90.0
    # run_squad finds its words by a heuristic, the export gives those of the tokens.
    written = list(trained.written("predictions.json").values())
    assert list(map(normalize, texts)) == list(map(normalize, written))


@pytest.mark.full
def test_the_export_of_the_command_answers_alike(trained: Trained, tmp_path: Path) -> None:
    """With every signature, warm-up and verification."""
    given = [f"--output_dir={trained.folder / 'out'}", *_LENGTHS, "--do_export"]
    given += ["--version_2_with_negative"] if trained.with_negative else []
    assert run(*given, f"--export_dir={tmp_path / 'answers'}") == 0
    (version,) = (tmp_path / "answers").iterdir()
    _, questions, contexts, _ = zip(*trained.asked(), strict=True)
    answers = load_signatures(version)["text"](
        question=tf.constant(questions), context=tf.constant(contexts)
    )
    texts = [text.decode() for text in answers["answer"].numpy()]
    written = list(trained.written("predictions.json").values())
    assert list(map(normalize, texts)) == list(map(normalize, written))


def test_do_export_answers_as_the_run_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny = write_tiny_model(tmp_path / "out", num_labels=2)
    scoped = {
        f"{'cls/squad/' if name.startswith('output') else ''}{name}": value
        for name, value in tiny.weights.items()
    }
    tensorflow_files.write_variables(tiny.prefix, scoped)
    given: dict[str, Any] = {}
    monkeypatch.setattr(
        "exporter.export",
        lambda **keywords: given.update(keywords) or SimpleNamespace(summary=lambda: "exported"),
    )
    arguments = ["--doc_stride=9", "--max_query_length=7", "--max_answer_length=5"]
    arguments += ["--n_best_size=3", "--max_seq_length=32", "--version_2_with_negative"]
    arguments += [f"--output_dir={tiny.directory}", "--do_export", f"--export_dir={tmp_path / 'x'}"]
    assert run(*arguments, "--null_score_diff_threshold=2") == 0
    told = capsys.readouterr()
    assert told.out == "exported\n" and "without --null_score_diff_threshold 2" in told.err
    expected = {
        "doc_stride": 9,
        "max_query_length": 7,
        "max_answer_length": 5,
        "n_best_size": 3,
        "null_answer": True,
        "max_seq_length": 32,
        "checkpoint": tiny.prefix,
    }
    assert {name: given[name] for name in expected} == expected


def run(*arguments: str) -> int:
    values = flags.FlagValues()
    define_flags(values)
    values(["run_squad", *arguments])
    return main(["run_squad"], values)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "nothing to do: give at least one of --do_train, --do_predict and --do_export"),
        (["--do_train", "--output_dir=out"], "--do_train needs --train_file"),
        (["--do_predict", "--output_dir=out"], "--do_predict needs --predict_file"),
        (["--do_train", "--output_dir=out", "--train_file=none.json"], "none.json is no file"),
        (["--do_export", "--output_dir=out"], "--do_export needs --export_dir"),
        (["--do_train"], "--output_dir is not given"),
        (
            ["--do_export", "--output_dir=out", "--export_dir=x", "--max_seq_length=67"],
            "--max_seq_length is 67, where more than --max_query_length + 3 = 67",
        ),
    ],
)
def test_mistakes_in_the_flags(
    given: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*given) == 1
    assert told in capsys.readouterr().err


def test_a_wrong_question_is_told_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = question("q7", "what", ("film", 400))
    file = write_squad(tmp_path / "train.json", [paragraph("the film", wrong)])
    vocabulary = tmp_path / "vocab.txt"
    config = tiny_config(write_vocabulary(vocabulary))
    (tmp_path / "bert_config.json").write_text(config.to_google_research_json())
    given = [f"--vocab_file={vocabulary}", f"--bert_config_file={tmp_path / 'bert_config.json'}"]
    given += [f"--output_dir={tmp_path / 'out'}", f"--train_file={file}", "--do_train", *_LENGTHS]
    assert run(*given) == 1
    error = capsys.readouterr().err
    assert f"{file}, question 'q7': found the answer 'film' at 400" in error
    assert not list((tmp_path / "out").glob("model*"))
