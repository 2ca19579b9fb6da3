"""labels.json: what a checkpoint was trained for, which its export then is."""

import json
from pathlib import Path

import pytest

from bert.checkpoints import ReadOptions, read
from bert.checkpoints.labels_file import LABELS_FILE, trained_for, write_labels
from bert.errors import UserError
from bert.tasks import CLASSIFICATION, MULTILABEL, REGRESSION, Task
from tests.tiny_model import write_tiny_model

_NAMES = ("billing", "größer")


@pytest.mark.parametrize(
    ("task", "names"), [(CLASSIFICATION, _NAMES), (MULTILABEL, _NAMES), (REGRESSION, ())]
)
def test_a_checkpoint_is_read_as_what_it_was_trained_for(
    task: Task, names: tuple[str, ...], tmp_path: Path
) -> None:
    model = write_tiny_model(tmp_path, num_labels=len(names) or 1)
    write_labels(model.directory, names, task)
    found = read(model.directory, ReadOptions())
    assert (found.task, found.labels) == (task, names)
    with pytest.raises(UserError, match=f"but a checkpoint of run_classifier is a '{task}'"):
        read(model.directory, ReadOptions(task="question_answering"))


def test_names_of_classes_are_a_list_alone(tmp_path: Path) -> None:
    write_labels(tmp_path, _NAMES)
    assert json.loads((tmp_path / LABELS_FILE).read_text(encoding="utf-8")) == [*_NAMES]


def test_a_head_of_another_size_is_refused(tmp_path: Path) -> None:
    model = write_tiny_model(tmp_path, num_labels=3)
    write_labels(model.directory, (), REGRESSION)
    with pytest.raises(UserError, match=r"has shape \[3, 16\], where \[1, 16\] is expected"):
        read(model.directory, ReadOptions())


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "cannot be read"),
        ('{"task": "multilabel"}', "holds no list of names"),
        ("[1]", "holds no list of names"),
        ('{"task": "ranking", "labels": []}', "the task 'ranking', where one of classification"),
        ('{"labels": []}', "the task None"),
        ('{"task": [], "labels": []}', r"the task \[\]"),
    ],
)
def test_other_contents_are_told(content: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / LABELS_FILE).write_text(content)
    with pytest.raises(UserError, match=rf"labels\.json .*{sentence}"):
        trained_for(tmp_path)
