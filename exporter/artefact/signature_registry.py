"""The registry that signatures are in, and what their builders have in common."""

import dataclasses
from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from bert.model import TextModel
from bert.tasks import Task
from exporter.artefact.examples import texts_of_examples
from exporter.artefact.served_model import ServedModel
from exporter.contract import EXAMPLES_INPUT
from exporter.text.long_texts import CUT, LongTexts
from exporter.text.questions import QuestionSettings


@dataclasses.dataclass(frozen=True)
class SignatureContext:
    """What a signature is built from."""

    served: ServedModel
    model: TextModel
    top_k: int
    aggregation_strategy: str
    questions: QuestionSettings | None = None
    long_texts: LongTexts = CUT
    built: dict[str, tf.types.experimental.PolymorphicFunction] = dataclasses.field(
        default_factory=dict
    )
    """the signatures so far, whose graph a later one may share"""

    @property
    def reads_windows(self) -> bool:
        """Whether texts of any length are read, in windows."""
        return self.questions is not None or self.long_texts.reads_windows


Builder = Callable[[SignatureContext], tf.types.experimental.PolymorphicFunction]


class Entry(NamedTuple):
    """A signature, and which models have it."""

    name: str
    is_of: Callable[[Task], bool]
    needs_embedding: bool
    build: Builder


REGISTRY: list[Entry] = []


def signature(
    name: str,
    is_of: Callable[[Task], bool] = lambda task: True,
    needs_embedding: bool = False,
) -> Callable[[Builder], Builder]:
    """Registers the builder of a signature.

    Args:
      name: of the signature; it may have several builders, of which no two are of one task.
      is_of: whether a task has it.
      needs_embedding: whether it is for networks alone that have a vector to give.
    """

    def register(builder: Builder) -> Builder:
        REGISTRY.append(Entry(name, is_of, needs_embedding, builder))
        return builder

    return register


def text_function(
    context: SignatureContext, answer: Callable[..., dict[str, tf.Tensor]]
) -> tf.types.experimental.PolymorphicFunction:
    """Traces `answer`, a function of a list of texts, with the inputs that the model has."""
    specs = [tf.TensorSpec([None], tf.string, name=name) for name in context.served.text_names]

    @tf.function(input_signature=specs, autograph=False)
    def of_texts(*texts: tf.Tensor) -> dict[str, tf.Tensor]:
        return answer(list(texts))

    return of_texts


def examples_function(
    context: SignatureContext, answer: Callable[[list[tf.Tensor]], dict[str, tf.Tensor]]
) -> tf.types.experimental.PolymorphicFunction:
    """Traces `answer`, a function of a list of texts, with tf.Examples that hold them as input."""

    # The server asks for one input of this name.
    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.string, name=EXAMPLES_INPUT)], autograph=False
    )
    def of_examples(inputs: tf.Tensor) -> dict[str, tf.Tensor]:
        return answer(texts_of_examples(inputs, context.served.text_names))

    return of_examples


def few_cells(lengths: tf.Tensor, most: int) -> tf.Operation:
    """Refuses a request in which one long row would pad many others beyond memory.

    Args:
      lengths: int32 [B], values of each row before padding.
      most: how many there may be with it.
    """
    lengths = tf.cast(lengths, tf.int64)
    cells = tf.size(lengths, tf.int64) * tf.reduce_max(tf.concat([[0], lengths], axis=0))
    message = f"rows times values of the longest must be at most {most}: send fewer rows"
    return tf.debugging.Assert(cells <= most, [message, cells])


def padded(values: tf.Tensor, row_splits: tf.Tensor, padding: float | str) -> tf.Tensor:
    """Values of rows one after the other, [N, ...] -> [B, S, ...] up to the longest row, S."""
    rows = tf.RaggedTensor.from_row_splits(values, row_splits, validate=False)
    return rows.to_tensor(default_value=padding)
