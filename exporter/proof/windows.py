"""Long texts by plain Python: the independent witness of the windows that a graph makes."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from bert.model import TextModel
from exporter.models.opened_model import Row
from exporter.text.long_texts import LongTexts


class Window(NamedTuple):
    """A row of the model, and the part of a text in it."""

    row: Row
    start: int
    """tokens of the text before it"""

    length: int
    """tokens of the text in it"""

    @property
    def head(self) -> Sequence[int]:
        """What stands before the part: [CLS], and a question and its separators if any."""
        return self.row.ids[: len(self.row.ids) - self.length - 1]


def windows_of(
    head: Sequence[int],
    text: Sequence[int],
    sep_id: int,
    max_seq_length: int,
    step: int,
    segment: int = 0,
) -> list[Window]:
    """All windows of a text, which are `step` tokens apart.

    Args:
      head: ids before the text, [CLS] among them.
      text: ids without special tokens.
      sep_id: of [SEP].
      max_seq_length: of a window.
      step: from the start of one to that of the next.
      segment: of the text.
    """
    room = max_seq_length - len(head) - 1
    windows: list[Window] = []
    start = 0
    while True:
        part = list(text[start : start + room])
        segments = [0] * len(head) + [segment] * (len(part) + 1)
        windows.append(Window(Row([*head, *part, sep_id], segments), start, len(part)))
        if start + len(part) >= len(text):
            return windows
        start += step


def windows_of_text(text: Sequence[int], model: TextModel, long_texts: LongTexts) -> list[Window]:
    """All windows of a single text, whose ids are without special tokens."""
    cls_id, sep_id = model.special_ids()
    step = model.max_seq_length - 2 - long_texts.doc_stride
    return windows_of([cls_id], text, sep_id, model.max_seq_length, step)


def best_window(windows: Sequence[Window], place: int) -> Window | None:
    """The window with the most of the text around a token."""
    best, best_score = None, -np.inf
    for window in windows:
        left, right = place - window.start, window.start + window.length - 1 - place
        score = min(left, right) + 0.01 * window.length
        if min(left, right) >= 0 and score > best_score:
            best, best_score = window, score
    return best


def of_best_windows(windows: Sequence[Window], values: Sequence[np.ndarray]) -> np.ndarray:
    """Each token of a single text once, out of its best window: [S, ...] of [CLS] to [SEP]."""
    numbers = {id(window): own for window, own in zip(windows, values, strict=True)}
    rows = [values[0][0]]
    for place in range(windows[-1].start + windows[-1].length):
        window = best_window(windows, place)
        assert window is not None
        rows.append(numbers[id(window)][1 + place - window.start])
    return np.stack([*rows, values[-1][len(windows[-1].row.ids) - 1]])
