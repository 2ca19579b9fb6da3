"""Figures of a training for TensorBoard, and read back: event files, as tf.estimator has them."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import tensorflow as tf

LOSS = "loss"
LEARNING_RATE = "learning_rate"

# tf.estimator: where evaluations of a model directory go
EVALUATIONS = "eval"


class Summaries:
    """Writes a training's figures into its output directory, those of evaluations below it."""

    def __init__(self, output_dir: Path) -> None:
        """Begins files when there is something to write."""
        self._output_dir = output_dir
        self._writers: dict[Path, tf.summary.SummaryWriter] = {}

    def write_step(self, step: int, loss: float, learning_rate: float) -> None:
        """Adds the figures of a training step."""
        self._write(self._output_dir, step, {LOSS: loss, LEARNING_RATE: learning_rate})

    def write_evaluation(self, step: int, metrics: Mapping[str, float]) -> None:
        """Adds the metrics of the weights at a step."""
        self._write(self._output_dir / EVALUATIONS, step, metrics)

    def flush(self) -> None:
        """Brings what was written to disk."""
        for writer in self._writers.values():
            writer.flush()

    def _write(self, directory: Path, step: int, figures: Mapping[str, float]) -> None:
        if directory not in self._writers:
            self._writers[directory] = tf.summary.create_file_writer(str(directory))
        with self._writers[directory].as_default():
            for name, value in figures.items():
                tf.summary.scalar(name, value, step=step)


def read_series(directory: Path, name: str) -> list[tuple[int, float]]:
    """The values of a figure by step, in the order of steps; the last one of a step counts."""
    values = {}
    for file in sorted(directory.glob("events.out.tfevents.*")):
        for event in _events(file):
            for value in event.summary.value:
                if value.tag == name:
                    values[event.step] = float(tf.make_ndarray(value.tensor))
    return sorted(values.items())


def _events(file: Path) -> Iterator[tf.compat.v1.Event]:
    records = iter(tf.data.TFRecordDataset(str(file)).as_numpy_iterator())
    while True:
        try:
            yield tf.compat.v1.Event.FromString(next(records))
        # The last record of a training that was killed may be cut off.
        except (StopIteration, tf.errors.DataLossError):
            return
