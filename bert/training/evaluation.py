"""What a trained classifier says: metrics on labelled examples, probabilities on any."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from bert.errors import UserError
from bert.training.batches import BATCH_SIGNATURE, Batch, EncodedExample, in_order, packed_tokens
from bert.training.classifier import Classifier, cross_entropy
from bert.training.metrics import METRICS


class Metrics(NamedTuple):
    """The original's `eval_results.txt`, and what else the task is measured by."""

    eval_accuracy: np.float32
    """Share of the examples whose most probable class is their label."""

    eval_loss: np.float32
    """Mean cross-entropy of the examples."""

    global_step: int
    """Training steps behind the weights."""

    loss: np.float32
    """Mean over the batches of their mean cross-entropy, as tf.estimator reports it."""

    others: Mapping[str, float]
    """The further metrics, by name."""

    def by_name(self) -> dict[str, Any]:
        """All of them, in alphabetical order."""
        values = self._asdict()
        others = {f"eval_{name}": np.float32(value) for name, value in self.others.items()}
        del values["others"]
        return dict(sorted((values | others).items()))


def evaluate(
    classifier: Classifier,
    examples: Sequence[EncodedExample],
    batch_size: int,
    global_step: int,
    metrics: Sequence[str] = (),
) -> Metrics:
    """Evaluates on labelled examples; `metrics` are further ones, names of METRICS."""

    def judge(batch: Batch) -> tuple[tf.Tensor, tf.Tensor]:
        logits = classifier.logits(packed_tokens(batch))
        predictions = tf.argmax(logits, axis=-1, output_type=tf.int32)
        return cross_entropy(logits, batch.label_ids), predictions

    results = _run(judge, examples, batch_size)
    losses = [losses for losses, _ in results]
    predicted = np.concatenate([predictions for _, predictions in results])
    expected = np.array([example.label_id for example in examples])
    return Metrics(
        eval_accuracy=np.float32(np.mean(predicted == expected)),
        eval_loss=np.float32(np.mean(np.concatenate(losses), dtype=np.float64)),
        global_step=global_step,
        loss=np.float32(np.mean([batch.mean(dtype=np.float64) for batch in losses])),
        others={name: METRICS[name](predicted, expected) for name in metrics},
    )


def predict(
    classifier: Classifier, examples: Sequence[EncodedExample], batch_size: int
) -> np.ndarray:
    """The class probabilities of N examples, in their order: float32 [N, C]."""

    def judge(batch: Batch) -> tuple[tf.Tensor]:
        return (classifier.probabilities(packed_tokens(batch)),)

    return np.concatenate([rows for (rows,) in _run(judge, examples, batch_size)])


def write_metrics(file: Path, metrics: Metrics) -> None:
    """Writes `key = value` lines.

    Raises:
      UserError: the file cannot be written.
    """
    lines = [f"{key} = {value!s}\n" for key, value in metrics.by_name().items()]
    _write(file, "".join(lines))


def write_probabilities(file: Path, probabilities: np.ndarray) -> None:
    """Writes float32 [N, C] as tab-separated rows with the fewest digits that restore it.

    Raises:
      UserError: the file cannot be written.
    """
    lines = ["\t".join(str(value) for value in row) + "\n" for row in probabilities]
    _write(file, "".join(lines))


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"--output_dir: {file} cannot be written ({error.strerror}): make room or name another "
            "directory."
        ) from error


def _run(
    judge: Callable[[Batch], tuple[tf.Tensor, ...]],
    examples: Sequence[EncodedExample],
    batch_size: int,
) -> list[tuple[np.ndarray, ...]]:
    """What `judge` returns for each batch of the examples, in their order."""
    function = tf.function(judge, input_signature=[BATCH_SIGNATURE], autograph=False)
    return [
        tuple(tensor.numpy() for tensor in function(batch))
        for batch in in_order(examples, batch_size)
    ]
