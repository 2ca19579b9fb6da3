"""What a trained classifier says: metrics on labelled examples, answers on any."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from bert.checkpoints.whole_files import write_whole
from bert.errors import UserError
from bert.training.batches import Batch, EncodedExample, batch_signature, in_order, packed_tokens
from bert.training.classifier import Classifier
from bert.training.metrics import METRICS
from bert.training.trainer import Model


class Metrics(NamedTuple):
    """The original's `eval_results.txt`, and what else the task is measured by."""

    eval_loss: np.float32
    """Mean loss of the examples: cross-entropy, or the squared error of a regression."""

    global_step: int
    """Training steps behind the weights."""

    loss: np.float32
    """Mean over the batches of their mean loss, as tf.estimator reports it."""

    named: Mapping[str, float]
    """The metrics of the task and of the data, by name; accuracy for classes."""

    def by_name(self) -> dict[str, Any]:
        """All of them, in alphabetical order."""
        values = self._asdict()
        named = {f"eval_{name}": np.float32(value) for name, value in self.named.items()}
        del values["named"]
        return dict(sorted((values | named).items()))


class Evaluation(NamedTuple):
    """What evaluating gave."""

    metrics: Metrics
    predicted: np.ndarray
    """of N examples: classes int [N], numbers float32 [N], or 0 and 1 int [N, C]"""

    expected: np.ndarray
    """the same of their labels"""


def evaluate(
    classifier: Classifier,
    examples: Sequence[EncodedExample],
    batch_size: int,
    global_step: int,
    metrics: Sequence[str] = (),
) -> Evaluation:
    """Evaluates on labelled examples; `metrics` are names of METRICS besides the task's own."""
    objective = classifier.objective
    results = run_batches(classifier.judge, classifier, examples, batch_size)
    losses = [losses for losses, _ in results]
    predicted = objective.choose(np.concatenate([logits for _, logits in results]))
    expected = np.array([example.label_id for example in examples])
    figures = Metrics(
        eval_loss=np.float32(np.mean(np.concatenate(losses), dtype=np.float64)),
        global_step=global_step,
        loss=np.float32(np.mean([batch.mean(dtype=np.float64) for batch in losses])),
        named={name: METRICS[name](predicted, expected) for name in (*objective.metrics, *metrics)},
    )
    return Evaluation(figures, predicted, expected)


def predict(
    classifier: Classifier, examples: Sequence[EncodedExample], batch_size: int
) -> np.ndarray:
    """The answers for N examples, in their order: float32 [N, C], or [N] where it is a number."""

    def judge(batch: Batch) -> tuple[tf.Tensor]:
        return (classifier.answers(packed_tokens(batch)),)

    return np.concatenate(
        [rows for (rows,) in run_batches(judge, classifier, examples, batch_size)]
    )


def write_metrics(file: Path, metrics: Metrics) -> None:
    """Writes `key = value` lines.

    Raises:
      UserError: the file cannot be written.
    """
    lines = [f"{key} = {value!s}\n" for key, value in metrics.by_name().items()]
    write_result(file, "".join(lines))


def write_answers(file: Path, answers: np.ndarray) -> None:
    """Writes float32 [N, C] or [N] as tab-separated rows with the fewest digits that restore it.

    Raises:
      UserError: the file cannot be written.
    """
    rows = answers.reshape(len(answers), -1)
    lines = ["\t".join(str(value) for value in row) + "\n" for row in rows]
    write_result(file, "".join(lines))


def write_result(file: Path, text: str) -> None:
    """Writes a file of results.

    Raises:
      UserError: it cannot be written.
    """
    try:
        write_whole(file, text)
    except OSError as error:
        raise UserError(
            f"--output_dir: {file} cannot be written ({error.strerror}): make room or name another "
            "directory."
        ) from error


def run_batches(
    judge: Callable[[Batch], tuple[tf.Tensor, ...]],
    classifier: Model,
    examples: Sequence[EncodedExample],
    batch_size: int,
) -> list[tuple[np.ndarray, ...]]:
    """What `judge` returns for each batch of the examples, in their order."""
    signature = [batch_signature(classifier.label_spec)]
    function = tf.function(judge, input_signature=signature, autograph=False)
    return [
        tuple(tensor.numpy() for tensor in function(batch))
        for batch in in_order(examples, batch_size)
    ]
