"""What is decoded from answers for tokens, decoded again: entities, and answers to questions."""

import itertools
from collections.abc import Iterable, Sequence

import numpy as np

from bert.model import TextModel
from bert.tasks import RowOutputs
from exporter.models.opened_model import Row
from exporter.proof.answers import (
    Context,
    decode_answers,
    given_answers,
    same_answers,
    windows_of_context,
)
from exporter.proof.decoding import Decoding, Difference, HeadAndTailDecoding, PooledDecoding
from exporter.proof.entities import (
    Entity,
    Token,
    decode_entities,
    given_entities,
    merged_entities,
    same_entities,
)
from exporter.proof.texts import Texts
from exporter.proof.windows import Window, of_best_windows
from exporter.text.long_texts import CUT, LongTexts
from exporter.text.questions import QuestionSettings


class TagDecoding(Decoding):
    """Labels of tokens become entities."""

    words = "entities"

    def __init__(self, texts: Sequence[Texts], model: TextModel, strategy: str) -> None:
        """`strategy` is one of AGGREGATION_STRATEGIES."""
        super().__init__(texts, model)
        self._strategy = strategy

    def difference(self, index: int, outputs: RowOutputs) -> Difference | None:
        """By the probabilities of the text's tokens."""
        columns = (outputs[f"tags/{name}"] for name in ("starts", "ends", "probabilities"))
        tokens = _tokens(self.ids[index], *columns)
        text = self._texts[index][0]
        return _difference(outputs, decode_entities(text, tokens, self._model, self._strategy))


class WindowTagDecoding(PooledDecoding):
    """Labels of tokens become entities of windows, which become those of the text."""

    words = "entities"
    # Rounded weights give other numbers in a batch of other rows, as that of `features` is.
    is_of_rows = False

    def __init__(
        self, texts: Sequence[Texts], model: TextModel, strategy: str, long_texts: LongTexts
    ) -> None:
        """`strategy` is one of AGGREGATION_STRATEGIES."""
        super().__init__(texts, model, long_texts)
        self._strategy = strategy

    @property
    def features(self) -> Sequence[Row]:
        """All windows."""
        return [row for rows in self.rows for row in rows]

    def joined(
        self, outputs: Sequence[RowOutputs], answers: Sequence[RowOutputs]
    ) -> list[RowOutputs]:
        """The probabilities of each window under its number."""
        probabilities = (answer[self._model.task.answer] for answer in answers)
        return [
            {**row, **_numbered(itertools.islice(probabilities, len(windows)))}
            for row, windows in zip(outputs, self._windows, strict=True)
        ]

    def expected(self, index: int, answers: Sequence[RowOutputs]) -> RowOutputs:
        """The probabilities of each token in its best window."""
        name = self._model.task.answer
        values = [answer[name] for answer in answers]
        return {name: of_best_windows(self._windows[index], values)}

    def difference(self, index: int, outputs: RowOutputs) -> Difference | None:
        """By the probabilities of the windows' tokens."""
        text, model = self._texts[index][0], self._model
        found: list[list[Entity]] = []
        for number, window in enumerate(self._windows[index]):
            part = slice(1 + window.start, 1 + window.start + window.length)
            starts, ends = (outputs[f"tags/{name}"][part] for name in ("starts", "ends"))
            tokens = _tokens(window.row.ids[1:-1], starts, ends, outputs[str(number)][1:-1])
            found.append(decode_entities(text, tokens, model, self._strategy))
        return _difference(outputs, merged_entities(found))


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
        logits = (np.stack([answer[name] for name in columns], axis=-1) for answer in answers)
        joined: list[RowOutputs] = []
        for row, windows in zip(outputs, self._windows, strict=True):
            own = _numbered(itertools.islice(logits, len(windows)))
            name = self._model.task.answer
            joined.append({**row, name: np.concatenate(list(own.values())), **own})
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
        logits = [outputs[str(number)] for number in range(len(windows))]
        places = list(zip(*columns, strict=True))
        context = Context(self._texts[index][1], ids, places, windows, logits)
        settings = self._settings
        one, several = given_answers(outputs)
        for found, count in ((one, settings.searched_for_one), (several, settings.n_best_size)):
            expected, twins = decode_answers(context, self._model, settings, count)
            asked = expected[: len(found)] if found is one else expected
            if not same_answers(found, asked, twins):
                return found, expected
        return None

    def _rows(self) -> Sequence[Sequence[Row]]:
        for texts in self._texts:
            question, ids = map(self._pieces, texts)
            self._contexts.append(ids)
            self._windows.append(windows_of_context(question, ids, self._model, self._settings))
        return [[window.row for window in windows] for windows in self._windows]


def decoding_of(
    texts: Sequence[Texts],
    model: TextModel,
    strategy: str,
    questions: QuestionSettings | None,
    long_texts: LongTexts,
) -> Decoding:
    """The judge of a model's task, and of what becomes of its long texts."""
    if questions is not None:
        return QuestionDecoding(texts, model, questions)
    if model.task.labels_tokens:
        if long_texts.reads_windows:
            return WindowTagDecoding(texts, model, strategy, long_texts)
        return TagDecoding(texts, model, strategy)
    if long_texts.reads_windows:
        return PooledDecoding(texts, model, long_texts)
    return HeadAndTailDecoding(texts, model) if long_texts != CUT else Decoding(texts, model)


def _tokens(
    ids: Sequence[int], starts: np.ndarray, ends: np.ndarray, probabilities: np.ndarray
) -> list[Token]:
    """Tokens of columns that may be padded behind the ids."""
    return [
        Token(token, int(start), int(end), row)
        for token, start, end, row in zip(ids, starts, ends, probabilities, strict=False)
    ]


def _difference(outputs: RowOutputs, expected: Sequence[Entity]) -> Difference | None:
    found = given_entities(outputs)
    return None if same_entities(found, expected) else (found, expected)


def _numbered(values: Iterable[np.ndarray]) -> dict[str, np.ndarray]:
    """The values of windows under their numbers."""
    return {str(number): own for number, own in enumerate(values)}
