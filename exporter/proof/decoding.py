"""What is decoded from a network's answer, decoded again: a judge for each kind of task."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from bert.model import TextModel
from bert.tasks import RowOutputs
from exporter.models.opened_model import Row
from exporter.proof.answers import (
    Context,
    Window,
    decode_answers,
    given_answers,
    same_answers,
    windows_of,
)
from exporter.proof.entities import decode_entities, given_entities, same_entities
from exporter.proof.texts import Texts
from exporter.text.profiles import PROFILES
from exporter.text.questions import QuestionSettings

# More tokens than any text has.
_UNBOUNDED = 2**40

Difference = tuple[Sequence[Any], Sequence[Any]]
"""what was found, and what was expected"""


class Decoding:
    """The judge of one task: which rows the reference tokenizer has, and what is made of them."""

    words = ""
    """what is decoded, in words for a person"""

    is_of_rows = True
    """whether it is decoded from the very numbers that the judge has"""

    def __init__(self, texts: Sequence[Texts], model: TextModel) -> None:
        """Takes the texts of a verification."""
        self._texts, self._model = texts, model
        self._reference = PROFILES[model.tokenizer].build_reference(model)
        self.rows = self._rows()
        """the rows that the network sees of each of the texts: one, or a window each"""

    @property
    def ids(self) -> Sequence[Sequence[int]]:
        """What the signature `tokenize` should say of each of the texts."""
        return [rows[0].ids for rows in self.rows]

    @property
    def features(self) -> Sequence[Row]:
        """Rows to ask the signature `features` about."""
        return ()

    def joined(
        self, outputs: Sequence[RowOutputs], answers: Sequence[RowOutputs]
    ) -> list[RowOutputs]:
        """The outputs for each of the texts, with the answers to `features`."""
        return list(outputs)

    def difference(self, index: int, outputs: RowOutputs) -> Difference | None:
        """What differs in the outputs for a text; None where nothing does."""
        return None

    def expected(self, index: int, answers: Sequence[RowOutputs]) -> RowOutputs:
        """What the outputs for a text should be, by a witness's answers to its rows."""
        return answers[0]

    def _rows(self) -> Sequence[Sequence[Row]]:
        length = self._model.max_seq_length
        prompt = self._model.prompt.encode()
        return [
            [Row(*self._reference.encode(prompt + text, others[0] if others else None, length))]
            for text, *others in self._texts
        ]


class NoDecoding(Decoding):
    """The network's answer is what clients get."""


class TagDecoding(Decoding):
    """Labels of tokens become entities."""

    words = "entities"

    def __init__(self, texts: Sequence[Texts], model: TextModel, strategy: str) -> None:
        """`strategy` is one of AGGREGATION_STRATEGIES."""
        super().__init__(texts, model)
        self._strategy = strategy

    def difference(self, index: int, outputs: RowOutputs) -> Difference | None:
        """By the probabilities of the text's tokens."""
        text, ids = self._texts[index][0], self.ids[index]
        expected = decode_entities(text, ids, outputs, self._model, self._strategy)
        found = given_entities(outputs)
        return None if same_entities(found, expected) else (found, expected)


class QuestionDecoding(Decoding):
    """Logits of tokens become answers."""

    words = "answers"
    # Rounded weights give other numbers in a batch of other rows, as that of `features` is.
    is_of_rows = False

    def __init__(
        self, texts: Sequence[Texts], model: TextModel, settings: QuestionSettings
    ) -> None:
        """Cuts the contexts into windows."""
        self._settings = settings
        self._contexts: list[Sequence[int]] = []
        self._windows: list[list[Window]] = []
        super().__init__(texts, model)

    @property
    def ids(self) -> Sequence[Sequence[int]]:
        """Questions, as they are kept, and all of their contexts."""
        _, sep_id = self._model.special_ids()
        return [
            [*windows[0].head, *context, sep_id]
            for windows, context in zip(self._windows, self._contexts, strict=True)
        ]

    @property
    def features(self) -> Sequence[Row]:
        """All windows."""
        return [row for rows in self.rows for row in rows]

    def joined(
        self, outputs: Sequence[RowOutputs], answers: Sequence[RowOutputs]
    ) -> list[RowOutputs]:
        """Logits of all windows, one after the other under the network's name."""
        columns = self._model.task.answer_columns
        logits = [np.stack([answer[name] for name in columns], axis=-1) for answer in answers]
        joined: list[RowOutputs] = []
        for row, windows in zip(outputs, self._windows, strict=True):
            own, logits = logits[: len(windows)], logits[len(windows) :]
            numbered = {str(number): values for number, values in enumerate(own)}
            joined.append({**row, self._model.task.answer: np.concatenate(own), **numbered})
        return joined

    def expected(self, index: int, answers: Sequence[RowOutputs]) -> RowOutputs:
        """Logits of all windows, one after the other."""
        name = self._model.task.answer
        return {name: np.concatenate([answer[name] for answer in answers])}

    def difference(self, index: int, outputs: RowOutputs) -> Difference | None:
        """By the logits of the windows."""
        windows, ids = self._windows[index], self._contexts[index]
        begin = len(windows[0].head)
        columns = (
            outputs[f"tokenize/{name}"][begin : begin + len(ids)] for name in ("starts", "ends")
        )
        context = Context(self._texts[index][1], ids, list(zip(*columns, strict=True)))
        logits = [outputs[str(number)] for number in range(len(windows))]
        settings = self._settings
        one, several = given_answers(outputs)
        for found, count in ((one, settings.searched_for_one), (several, settings.n_best_size)):
            expected = decode_answers(context, windows, logits, self._model, settings, count)
            if not same_answers(found, expected[: len(found)] if found is one else expected):
                return found, expected
        return None

    def _rows(self) -> Sequence[Sequence[Row]]:
        for texts in self._texts:
            # Each text alone, without [CLS] and [SEP].
            question, ids = (
                self._reference.encode(text, None, _UNBOUNDED)[0][1:-1] for text in texts
            )
            self._contexts.append(ids)
            self._windows.append(windows_of(question, ids, self._model, self._settings))
        return [[window.row for window in windows] for windows in self._windows]
