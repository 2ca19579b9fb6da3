"""The ModelHandler of RunInference: an export in a session, as a server has it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.ml.inference.base import ModelHandler

from exporter.batch.model import Model, load
from exporter.batch.reading.blocks import Block
from exporter.batch.scoring import Answers, Texts, score
from exporter.batch.writing.parts import Scored
from exporter.batch.writing.values import python_values
from exporter.runtime.servable import Servable

NAMESPACE = "exporter.batch"
_BATCH = 2048


class _Handler(ModelHandler[Any, Any, Servable]):
    """Loads a model once a process, for all threads; `threads` of the processor, 0 for all."""

    def __init__(self, model: Model, threads: int = 0) -> None:
        # TensorFlow reads them when it makes the first session of a process.
        names = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")
        super().__init__(env_vars=dict.fromkeys(names, str(threads)) if threads else {})
        self._model = model
        self._rows = beam.metrics.Metrics.counter(NAMESPACE, "rows")
        self._tokens = beam.metrics.Metrics.counter(NAMESPACE, "tokens")
        self._failures = beam.metrics.Metrics.counter(NAMESPACE, "failures")
        self._rows_per_second = beam.metrics.Metrics.distribution(NAMESPACE, "rows_per_second")

    def load_model(self) -> Servable:
        """Called once a process."""
        return load(self._model.directory)

    def get_num_bytes(self, batch: Sequence[Any]) -> int:
        """Cheaper than pickling the batch."""
        return 0

    def _score(self, servable: Servable, texts: Sequence[Texts]) -> Answers:
        answers = score(servable, self._model, texts)
        self._rows.inc(len(answers.rows))
        self._tokens.inc(answers.tokens)
        self._failures.inc(len(answers.failures))
        if answers.rows:
            self._rows_per_second.update(round(len(answers.rows) / answers.seconds))
        return answers


class BlockHandler(_Handler):
    """Blocks as they were read."""

    def should_skip_batching(self) -> bool:
        """A block is a batch."""
        return True

    def run_inference(
        self, batch: Any, model: Servable, inference_args: Mapping[str, Any] | None = None
    ) -> Iterable[Scored]:
        """One scored block."""
        block: Block = batch
        return [Scored(block, self._score(model, block.texts))]


class RowHandler(_Handler):
    """Rows of a pipeline of one's own, which RunInference makes batches of."""

    def __init__(self, model: Model, threads: int = 0) -> None:
        super().__init__(model, threads)
        # Enough rows to sort by length, and no more than 16 MB of them.
        self._batching_kwargs = {
            "min_batch_size": _BATCH,
            "max_batch_size": _BATCH,
            "element_size_fn": _weight,
        }

    def run_inference(
        self, batch: Any, model: Servable, inference_args: Mapping[str, Any] | None = None
    ) -> Iterable[tuple[Any, Any]]:
        """(element, its answer or the reason why there is none) for each (element, texts)."""
        answers = self._score(model, [texts for _, texts in batch])
        columns = {name: python_values(values) for name, values in answers.outputs.items()}
        for row, *values in zip(answers.rows, *columns.values(), strict=True):
            yield batch[row][0], dict(zip(columns, values, strict=True))
        for row, reason in answers.failures.items():
            yield batch[row][0], reason


def _weight(element: tuple[Any, Texts]) -> int:
    return 1 + sum(map(len, element[1])) * _BATCH // (16 << 20)
