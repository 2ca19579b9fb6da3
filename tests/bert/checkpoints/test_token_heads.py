"""TensorFlow checkpoints whose head reads tokens are known by its name."""

from pathlib import Path

import numpy as np
import pytest

from bert.checkpoints import ReadOptions, read
from bert.checkpoints.labels_file import write_labels
from bert.checkpoints.tensorflow import files as tensorflow_files
from bert.errors import UserError
from bert.model import RUN_SQUAD
from bert.tasks import QUESTION_ANSWERING, TOKEN_CLASSIFICATION, Task
from tests.tiny_model import write_tiny_model

_LABELS = ("B-PER", "I-PER", "O")


def write(directory: Path, task: Task, num_labels: int) -> dict[str, np.ndarray]:
    """A checkpoint whose head stands in the scope of its task; the weights."""
    tiny = write_tiny_model(directory, num_labels=num_labels)
    weights = {
        f"{task.head_scope if name.startswith('output') else ''}{name}": value
        for name, value in tiny.weights.items()
    }
    tensorflow_files.write_variables(tiny.prefix, weights)
    return weights


def test_a_tagger(tmp_path: Path) -> None:
    weights = write(tmp_path, TOKEN_CLASSIFICATION, 3)
    assert read(tmp_path, ReadOptions()).labels == ("0", "1", "2")
    write_labels(tmp_path, _LABELS, TOKEN_CLASSIFICATION)
    model = read(tmp_path, ReadOptions())
    assert (model.task, model.labels) == (TOKEN_CLASSIFICATION, _LABELS)
    assert model.labels_words
    expected = weights["cls/tagging/output_weights"]
    np.testing.assert_array_equal(model.weights["output_weights"], expected)
    with pytest.raises(UserError, match="--task is 'classification', but a checkpoint of run_"):
        read(tmp_path, ReadOptions(task="classification"))


def test_a_tagger_of_other_labels(tmp_path: Path) -> None:
    write(tmp_path, TOKEN_CLASSIFICATION, 3)
    write_labels(tmp_path, _LABELS[:2], TOKEN_CLASSIFICATION)
    with pytest.raises(UserError, match="names 2 labels, but the checkpoint has 3 classes"):
        read(tmp_path, ReadOptions())


def test_a_finder_of_answers(tmp_path: Path) -> None:
    write(tmp_path, QUESTION_ANSWERING, 2)
    model = read(tmp_path, ReadOptions())
    assert (model.task, model.answer_rules) == (QUESTION_ANSWERING, RUN_SQUAD)
    assert not model.labels_words
