"""The benchmark of tasks, on tiny models: ours and transformers' pipeline, which must agree."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.bert.checkpoints.huggingface.directory import CONFIG, tensors, write_directory
from tests.full import sampled
from tests.programs.benchmarks.inference.contestants.task_answers import (
    EMBEDDING,
    QUESTION_ANSWERING,
    TAGGING,
)
from tests.programs.benchmarks.inference.requests import (
    Questions,
    Request,
    question_requests,
)
from tests.programs.benchmarks.inference.tables import all_tables
from tests.programs.benchmarks.inference.tasks import PIPELINE, TASKS, TaskContest
from tests.tiny_model import random_weights

_SENTENCES = Request("three", ["fun", "a very bad film, not the film", "The film is good!"])
_QUESTIONS = Questions(
    "two", [("Is the film good?", "A very bad film. It is not fun."), ("the", "fun is fun")]
)
_REQUESTS: dict[str, Sequence[Request | Questions]] = {
    TAGGING: [_SENTENCES],
    EMBEDDING: [_SENTENCES],
    QUESTION_ANSWERING: [_QUESTIONS],
}


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    weights = random_weights(CONFIG, num_labels=2, seed=0)
    return write_directory(tmp_path_factory.mktemp("tasks") / "checkpoint", tensors(weights))


@pytest.mark.parametrize("name", sampled(TASKS, [TAGGING]))
def test_a_task_is_timed_where_answers_agree(name: str, classifier: Path, tmp_path: Path) -> None:
    contest = TaskContest(TASKS[name], [PIPELINE, "ours"], classifier, tmp_path)
    (request,) = _REQUESTS[name]
    found = contest.run([request], rounds=1)
    figures = found[request.name]
    assert figures["times"].keys() == {PIPELINE, "ours"}
    assert all(times["median_seconds"] > 0 for times in figures["times"].values())
    stages = figures["stages_ms"]
    outside = stages["text"] + stages["layout"] + stages["answer"]
    assert min(stages.values()) > 0
    assert figures["share_outside_encoder"] == pytest.approx(outside / sum(stages.values()))


def test_questions_make_one_full_window(tmp_path: Path) -> None:
    vocabulary = tmp_path / "vocab.txt"
    vocabulary.write_text("".join(f"[unused{number}]\n" for number in range(1996)) + "film\nfun\n")
    one, eight = question_requests(vocabulary)
    assert (one.name, eight.name) == ("1 x 384", "8 x 384")
    assert len(one.texts) == 1 and len(eight.texts) == 8
    for question, context in eight.texts:
        assert len(question.split()) + len(context.split()) + 3 == 384


def test_the_table_tells_ratios_and_the_share() -> None:
    times = {PIPELINE: {"median_seconds": 0.3}, "ours": {"median_seconds": 0.1}}
    figures = {"times": times, "share_outside_encoder": 0.0321}
    results = {"tasks": {TAGGING: {"64 sentences": figures}}}
    heads, row = all_tables(results, CONFIG).split("\n")
    assert heads.split() == [
        "tagging,",
        "ms",
        "pipeline",
        "ours",
        *["pipeline", "/", "ours"],
        *["outside", "encoder"],
    ]
    assert row.split() == ["64", "sentences", "300.0", "100.0", "3.00", "3.2%"]
