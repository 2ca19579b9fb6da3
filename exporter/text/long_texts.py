"""What becomes of texts that are longer than the model reads at once: flags, and their sense."""

import dataclasses
from typing import NamedTuple

from bert.command.options import option
from bert.errors import UserError
from bert.model import TextModel

TRUNCATE = "truncate"
HEAD_TAIL = "head_tail"
WINDOWS = "windows"
WAYS = (TRUNCATE, HEAD_TAIL, WINDOWS)

MEAN = "mean"
MAX = "max"
POOLINGS = (MEAN, MAX)

_GROUP = "Texts longer than max_seq_length"

# [CLS] and [SEP].
_SPECIAL_TOKENS = 2
_DOC_STRIDE = 128

# How to Fine-Tune BERT for Text Classification (Sun et al. 2019), 5.3.1: of 510 tokens.
_HEAD, _ROOM = 128, 510


class HeadAndTail(NamedTuple):
    """How many tokens of a long text are kept at either end."""

    head: int
    tail: int

    @classmethod
    def of(cls, max_seq_length: int) -> "HeadAndTail":
        """The share of the paper, rounded: 128 + 382 of 512, 32 + 94 of 128, 16 + 46 of 64."""
        room = max_seq_length - _SPECIAL_TOKENS
        head = (room * _HEAD + _ROOM // 2) // _ROOM
        return cls(head, room - head)


@dataclasses.dataclass(frozen=True)
class LongTexts:
    """What the flags, or their defaults, say."""

    long_text: str = TRUNCATE
    """one of WAYS"""

    doc_stride: int = 0
    """tokens that neighbouring windows share"""

    window_pooling: str | None = None
    """what one answer is made of: MEAN or MAX of the windows; None where answers are merged"""

    @property
    def reads_windows(self) -> bool:
        """Whether a long text is read in windows."""
        return self.long_text == WINDOWS

    def __str__(self) -> str:
        """What becomes of a longer text, in words for a person."""
        if self.long_text == TRUNCATE:
            return "cut"
        if self.long_text == HEAD_TAIL:
            return "cut in the middle"
        pooled = f", {self.window_pooling} of their answers" if self.window_pooling else ""
        return f"read in windows that share {self.doc_stride} tokens{pooled}"


CUT = LongTexts()
"""nothing but the beginning is read"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LongTextKeywords:
    """The flags; None leaves an answer to the task and the kind of checkpoint."""

    long_text: str | None = option(
        None,
        "what is read of it, where whole texts are classified, scored or embedded: its beginning; "
        "a quarter of the room from its beginning and the rest from its end; or all of it, in "
        "windows that overlap",
        group=_GROUP,
        unset=TRUNCATE,
        choices=WAYS,
    )
    doc_stride: int | None = option(
        None,
        "tokens that neighbouring windows share, as in transformers; for checkpoints of run_squad "
        "those from the start of one window to that of the next, as there; for taggers the flag "
        "asks for windows, whose entities are merged as in transformers",
        group=_GROUP,
        unset=f"{_DOC_STRIDE}, or half of max_seq_length where that is less; taggers cut the text",
        least=0,
    )
    window_pooling: str | None = option(
        None,
        "what one answer is made of those to the windows",
        group=_GROUP,
        unset=MEAN,
        choices=POOLINGS,
    )

    def long_texts(self, model: TextModel, text_pair: bool, merges: bool = True) -> LongTexts:
        """What the flags come to for a model.

        Args:
          model: the flags must fit its task and length.
          text_pair: whether its inputs are two texts.
          merges: whether a tagger's tokens become entities, which can be merged.

        Raises:
          UserError: a flag does not fit the model, or two do not fit together.
        """
        if model.task.finds_spans or model.task.labels_tokens:
            self._refuse_pooling(model)
            if model.task.finds_spans or self.doc_stride is None:
                return CUT
            if not merges:
                raise UserError(
                    f"--doc_stride is {self.doc_stride}, but --aggregation_strategy is none, and "
                    "tokens that two windows share are merged as entities only: give another "
                    "strategy, or leave one of the two flags out."
                )
            return LongTexts(WINDOWS, self._stride(model), None)
        way = self.long_text or TRUNCATE
        if way != WINDOWS:
            for name in ("doc_stride", "window_pooling"):
                if getattr(self, name) is not None:
                    raise UserError(
                        f"--{name} is {getattr(self, name)}, but --long_text is {way}, so that "
                        "there are no windows: give --long_text=windows, or leave the flag out."
                    )
        if way == TRUNCATE:
            return CUT
        if model.task.embeds_tokens:
            raise UserError(
                f"--long_text is {way}, but the model gives a vector for each token, and these "
                "are not pooled: leave the flag out, or give another --pooling_strategy."
            )
        if model.task.fills_masks:
            raise UserError(
                f"--long_text is {way}, but the model tells the word of one mask, which is in one "
                "part of a text: leave the flag out."
            )
        if text_pair:
            raise UserError(
                f"--long_text is {way}, but the inputs are pairs of texts, and it is for single "
                "ones: leave the flag out."
            )
        if way == HEAD_TAIL:
            return LongTexts(HEAD_TAIL)
        if model.prompt:
            raise UserError(
                "--long_text is windows, but the model puts a prompt before every text, which "
                "would stand in the first window only: give --long_text=head_tail, or leave the "
                "flag out."
            )
        return LongTexts(WINDOWS, self._stride(model), self.window_pooling or MEAN)

    def _refuse_pooling(self, model: TextModel) -> None:
        for name in ("long_text", "window_pooling"):
            if getattr(self, name) is not None:
                raise UserError(
                    f"--{name} is {getattr(self, name)}, but it is for answers to whole texts, and "
                    f"the task of the model is {model.task}: leave the flag out"
                    + (" and give --doc_stride." if model.task.labels_tokens else ".")
                )

    def _stride(self, model: TextModel) -> int:
        length = model.max_seq_length
        room = length - _SPECIAL_TOKENS
        if self.doc_stride is None:
            return min(_DOC_STRIDE, length // 2, room - 1)
        if self.doc_stride >= room:
            raise UserError(
                f"--doc_stride is {self.doc_stride}, but windows of --max_seq_length {length} hold "
                f"{room} tokens of a text, of which at most {room - 1} can be shared: give a "
                "smaller number."
            )
        return self.doc_stride
