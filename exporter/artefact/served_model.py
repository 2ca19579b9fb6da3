"""ServedModel: the text and model parts that every signature is made of."""

import copy
import functools
from collections.abc import Callable, Sequence

import tensorflow as tf

from bert.encoder.packed_tokens import PackedTokens
from bert.model import TextModel
from exporter.artefact.words import words_by_name
from exporter.models.network import Network
from exporter.text.long_texts import CUT, MAX, LongTexts
from exporter.text.pipeline import PackedText, TextPipeline
from exporter.text.questions import QuestionSettings
from exporter.text.windows import Windows


class ServedModel:
    """Text -> PackedTokens -> answer, each traced once for all signatures."""

    def __init__(
        self,
        model: TextModel,
        network: Network,
        text_names: Sequence[str],
        word_piece_op: str,
        questions: QuestionSettings | None = None,
        long_texts: LongTexts = CUT,
    ) -> None:
        """Takes the model to serve, and its network.

        `text_names` are the inputs, one text or two; `word_piece_op` is one of
        exporter.text.engine.wordpiece's; `questions` are given where the two are a question and
        its context; `long_texts` says what becomes of texts that are too long.
        """
        self.text_names = tuple(text_names)
        self.network = network
        self._task, self._vocabulary = model.task, model.vocabulary
        self._window_pooling = long_texts.window_pooling
        self._pipeline = TextPipeline(model, word_piece_op, questions, long_texts)
        text_specs = [tf.TensorSpec([None], tf.string, name) for name in text_names]
        # No control flow here or below is Python's: autograph finds nothing to do, and takes two
        # fifths of the time of an export to find it.
        # A function that is an attribute would be traced and saved whether it is asked or not.
        # Whatever has an input signature is traced when it is saved, so that nobody asks here for
        # windows that there are none of.
        self._tokenize, self._tokenize_with_offsets, self._windows, self._row_windows = (
            functools.partial(tf.function(function, input_signature=[text_specs], autograph=False))
            for function in (
                self._pipeline.tokenize,
                self._pipeline.tokenize_with_offsets,
                self._pipeline.windows,
                self._pipeline.row_windows,
            )
        )

    def saved(self) -> tf.Module:
        """The weights and tables, as a SavedModel has to hold them."""
        module = tf.Module(name="served_model")
        module.network, module.pipeline = self.network, self._pipeline
        return module

    def without_packed_copies(self) -> "ServedModel":
        """The same, whose network keeps no packed copies of weights."""
        served = copy.copy(self)
        served.network = self.network.without_packed_copies()
        return served

    def tokenize(self, texts: Sequence[tf.Tensor]) -> PackedTokens:
        """String [B] for each text -> the tokens of B rows."""
        return self._tokenize(list(texts))

    def tokenize_with_offsets(self, texts: Sequence[tf.Tensor]) -> PackedText:
        """The same, with the place of each token in its text."""
        return self._tokenize_with_offsets(list(texts))

    def windows(self, texts: Sequence[tf.Tensor]) -> Windows:
        """Texts, or questions and contexts, string [B] each -> all windows of them."""
        return self._windows(list(texts))

    def named(self, answer: tf.Tensor) -> dict[str, tf.Tensor]:
        """The network's answer under the name, or the names, that signatures have for it."""
        if self._task.fills_masks:
            return words_by_name(answer, self._vocabulary)
        columns = self._task.answer_columns
        if not columns:
            return {self._task.answer: answer}
        return dict(zip(columns, tf.unstack(answer, axis=-1), strict=True))

    def answer_text(self, texts: Sequence[tf.Tensor]) -> tf.Tensor:
        """String [B] for each text -> the network's answer for every row."""
        return self._of_rows(self.network.answer, texts)

    def embed_text(self, texts: Sequence[tf.Tensor]) -> tf.Tensor:
        """String [B] for each text -> the vector of every row."""
        return self._of_rows(self.network.embedding, texts)

    def _of_rows(
        self, answer: Callable[[PackedTokens], tf.Tensor], texts: Sequence[tf.Tensor]
    ) -> tf.Tensor:
        """What `answer` says of each row, or of its windows together: float32 [B, ...]."""
        if self._window_pooling is None:
            return answer(self.tokenize(texts))
        windows = self._row_windows(list(texts))
        # Every row has a window.
        pool = tf.math.segment_max if self._window_pooling == MAX else tf.math.segment_mean
        return pool(answer(windows.tokens), windows.rows)
