"""An export's signature as a transform for pipelines of one's own."""

from collections.abc import Sequence
from typing import Any

import apache_beam as beam
from apache_beam.ml.inference.base import RunInference

from exporter.batch.handler import NAMESPACE, RowHandler
from exporter.batch.model import find_model
from exporter.batch.reading.blocks import BadRow
from exporter.batch.reading.columns import text_bytes


class ScoreText(beam.PTransform):
    """Texts, or dictionaries that hold them, to (answers, failures).

        answers, failures = (
            pipeline
            | beam.Create([{"id": 7, "review": "a stirring, funny film"}])
            | ScoreText("models/sentiment", signature="labels", text_columns=["review"])
        )

    An answer is the dictionary with the signature's outputs added; of a string or bytes, a
    dictionary with `text` and the outputs. A failure is {"reason": …, "row": the element}: text
    that is missing, not UTF-8 or too long, or that the model refuses. Answers come in any order.
    """

    def __init__(
        self,
        model: str,
        signature: str = "",
        *,
        text_columns: Sequence[str] = (),
        output_prefix: str = "",
        max_row_bytes: int = 1 << 20,
        threads: int = 0,
    ) -> None:
        """Finds the model at once, so that all workers run the same version.

        Args:
          model: a version directory or base path (its newest version), local or a URL that Beam
            reads; workers must reach it too.
          signature: "" is `serving_default`.
          text_columns: of dictionaries, in the order of the signature's inputs, whose names they
            have by default.
          output_prefix: before the names of the signature's outputs.
          max_row_bytes: what is longer is a failure.
          threads: of the processor for each worker process; 0 for all.

        Raises:
          UserError: there is no such model or signature, or it takes another number of texts.
        """
        super().__init__()
        self._model = find_model(model, signature)
        self._to_texts = _ToTexts(
            self._model.text_columns(text_columns),
            frozenset(output_prefix + output.name for output in self._model.outputs),
            max_row_bytes,
        )
        self._add_answer = _AddAnswer(output_prefix)
        self._threads = threads

    def expand(self, input_or_inputs: beam.PCollection) -> tuple[beam.PCollection, ...]:
        """Rows in batches through the model."""
        texts, unread = input_or_inputs | "Texts" >> beam.ParDo(self._to_texts).with_outputs(
            _FAILURES, main=_ROWS
        )
        answers, refused = (
            texts
            | "Score" >> RunInference(RowHandler(self._model, self._threads))
            | "Answers" >> beam.ParDo(self._add_answer).with_outputs(_FAILURES, main=_ROWS)
        )
        return answers, (unread, refused) | "Failures" >> beam.Flatten()


_ROWS, _FAILURES = "rows", "failures"


class _ToTexts(beam.DoFn):
    def __init__(
        self, columns: tuple[str, ...], reserved: frozenset[str], max_row_bytes: int
    ) -> None:
        self._columns = columns
        self._reserved = reserved
        self._max_row_bytes = max_row_bytes
        self._failures = beam.metrics.Metrics.counter(NAMESPACE, "failures")

    def process(self, element: Any) -> Any:
        try:
            row = element if isinstance(element, dict) else {self._columns[0]: element}
            for name in row.keys() & self._reserved:
                raise BadRow(f"'{name}' is also an output of the model: give output_prefix")
            texts = tuple(text_bytes(row, column) for column in self._columns)
            size = sum(map(len, texts))
            if size > self._max_row_bytes:
                raise BadRow(f"{size:,} bytes, where max_row_bytes is {self._max_row_bytes:,}")
        except BadRow as error:
            self._failures.inc()
            yield beam.pvalue.TaggedOutput(_FAILURES, {"reason": str(error), "row": element})
            return
        if not isinstance(element, dict):
            row = {self._columns[0]: texts[0].decode()}
        yield row, texts


class _AddAnswer(beam.DoFn):
    def __init__(self, prefix: str) -> None:
        self._prefix = prefix

    def process(self, element: tuple[dict[str, Any], Any]) -> Any:
        row, answer = element
        if isinstance(answer, str):
            yield beam.pvalue.TaggedOutput(_FAILURES, {"reason": answer, "row": row})
        else:
            yield {**row, **{self._prefix + name: value for name, value in answer.items()}}
