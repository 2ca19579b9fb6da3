"""What the network sees of the texts of a verification, and what is made of its answers."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from bert.model import TextModel
from bert.tasks import RowOutputs
from exporter.models.opened_model import Row
from exporter.proof.adversarial_text import ADVERSARIAL_TEXTS
from exporter.proof.texts import Texts
from exporter.proof.windows import Window, windows_of_text
from exporter.text.long_texts import MAX, HeadAndTail, LongTexts
from exporter.text.profiles import PROFILES

# More tokens than any text has.
_UNBOUNDED = 2**40

Difference = tuple[Sequence[Any], Sequence[Any]]
"""what was found, and what was expected"""


class Decoding:
    """What is true of most tasks: a text is a row, and the network's answer is what clients get."""

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

    def _pieces(self, text: bytes) -> list[int]:
        """The ids of a whole text, without [CLS] and [SEP]."""
        return self._reference.encode(text, None, _UNBOUNDED)[0][1:-1]


class HeadAndTailDecoding(Decoding):
    """The beginning and the end of texts are read."""

    def _rows(self) -> Sequence[Sequence[Row]]:
        model = self._model
        cls_id, sep_id = model.special_ids()
        head, tail = HeadAndTail.of(model.max_seq_length)
        rows = []
        for (text,) in self._texts:
            ids = self._pieces(model.prompt.encode() + text)
            if len(ids) > head + tail:
                ids = ids[:head] + ids[len(ids) - tail :]
            rows.append([Row([cls_id, *ids, sep_id], [0] * (len(ids) + 2))])
        return rows


class PooledDecoding(Decoding):
    """The answers to a text's windows become one."""

    def __init__(self, texts: Sequence[Texts], model: TextModel, long_texts: LongTexts) -> None:
        """`long_texts` says how texts are cut into windows."""
        self._long_texts = long_texts
        self._windows: list[list[Window]] = []
        super().__init__(texts, model)

    @property
    def ids(self) -> Sequence[Sequence[int]]:
        """All of each text."""
        cls_id, sep_id = self._model.special_ids()
        return [[cls_id, *self._pieces(text), sep_id] for (text,) in self._texts]

    def expected(self, index: int, answers: Sequence[RowOutputs]) -> RowOutputs:
        """Mean or maximum of the windows' answers."""
        pool = np.max if self._long_texts.window_pooling == MAX else np.mean
        return {
            name: np.asarray(pool([answer[name] for answer in answers], axis=0))
            for name in answers[0]
        }

    def _rows(self) -> Sequence[Sequence[Row]]:
        for (text,) in self._texts:
            pieces = self._pieces(text)
            self._windows.append(windows_of_text(pieces, self._model, self._long_texts))
        return [[window.row for window in windows] for windows in self._windows]


def long_text(model: TextModel) -> bytes:
    """A text of about one and a half times as many pieces as the model reads at once."""
    encode = PROFILES[model.tokenizer].build_reference(model).encode
    short = itertools.cycle(text for text in ADVERSARIAL_TEXTS if 9 < len(text) < 150)
    text = b""
    while 2 * len(encode(text, None, _UNBOUNDED)[0]) <= 3 * model.max_seq_length:
        text += next(short) + b" "
    return text
