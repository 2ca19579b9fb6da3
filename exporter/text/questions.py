"""How questions are answered: the flags, and what they come to for one model.

Two programs are followed, each with names and defaults of its own: transformers'
`QuestionAnsweringPipeline` (4.57, pipelines/question_answering.py) and google-research/bert's
`run_squad.py`. The flags are named as in the second.
"""

import dataclasses

from bert.command.options import option
from bert.errors import UserError
from bert.model import PIPELINE, RUN_SQUAD, TextModel
from exporter.text.long_texts import LongTextKeywords

_GROUP = "How questions are answered"

_MAX_QUERY_LENGTH = 64
_DOC_STRIDE = 128
_MAX_ANSWER_LENGTH = {PIPELINE: 15, RUN_SQUAD: 30}
# The pipeline gives one answer unless it is asked for more, which is what `text` does.
_N_BEST_SIZE = {PIPELINE: 5, RUN_SQUAD: 20}


@dataclasses.dataclass(frozen=True)
class QuestionSettings:
    """What the flags, or the defaults of the model's kind, say."""

    rules: str
    """PIPELINE or RUN_SQUAD"""

    max_query_length: int
    doc_stride: int
    max_answer_length: int
    n_best_size: int
    null_answer: bool
    align_to_words: bool

    @property
    def searched_for_one(self) -> int:
        """How many answers are searched to give the best one."""
        # run_squad chooses it out of the n best, and its probability is a share of theirs.
        return 1 if self.rules == PIPELINE else self.n_best_size

    @property
    def stride_is_shared(self) -> bool:
        """Whether `doc_stride` counts the tokens that two windows share, not those between."""
        return self.rules == PIPELINE


@dataclasses.dataclass(frozen=True, kw_only=True)
class QuestionKeywords(LongTextKeywords):
    """The flags, beside `doc_stride`; None leaves an answer to the kind of checkpoint."""

    max_query_length: int | None = option(
        None,
        "tokens of a question, which is cut behind them",
        group=_GROUP,
        unset=f"{_MAX_QUERY_LENGTH}, or fewer where max_seq_length leaves no room for a context",
        least=1,
    )
    max_answer_length: int | None = option(
        None,
        "most tokens of an answer",
        group=_GROUP,
        unset="15 as in transformers, 30 for checkpoints of run_squad",
        least=1,
    )
    n_best_size: int | None = option(
        None,
        "how many answers the signature answers returns",
        group=_GROUP,
        unset="5; 20 for checkpoints of run_squad, which also choose starts and ends by it",
        least=1,
        most=100,
    )
    null_answer: bool = option(
        False,
        "whether the answer may be that the context has none: an empty text at 0",
        group=_GROUP,
    )
    align_to_words: bool | None = option(
        None,
        "whether answers begin and end with whole words",
        group=_GROUP,
        unset="yes as in transformers, no for checkpoints of run_squad",
    )

    def question_settings(self, model: TextModel) -> QuestionSettings | None:
        """What the flags come to for a model; None where it answers no questions.

        Raises:
          UserError: a flag does not fit the model, or two do not fit together.
        """
        if not model.task.finds_spans:
            inherited = {field.name for field in dataclasses.fields(LongTextKeywords)}
            for name in {field.name for field in dataclasses.fields(QuestionKeywords)} - inherited:
                if getattr(self, name) not in (None, False):
                    raise UserError(
                        f"--{name} is given, but the task of the model, {model.task}, "
                        "answers no questions: leave the flag out."
                    )
            return None
        rules, length = model.answer_rules, model.max_seq_length
        is_pipeline = rules == PIPELINE
        stride = self.doc_stride
        if stride is None:
            # pipelines/question_answering.py, preprocess
            stride = min(length // 2, _DOC_STRIDE) if is_pipeline else _DOC_STRIDE
        # One token of a context, or one more than windows share.
        least = stride + 1 if is_pipeline else 1
        budget = model.pair_form().budget(length)
        room = budget - least
        query = self.max_query_length
        if query is None:
            query = max(1, min(_MAX_QUERY_LENGTH, room))
        if stride == 0 and not is_pipeline:
            raise UserError(
                "--doc_stride is 0, where windows of run_squad are at least 1 token apart: give a "
                "larger number, or leave the flag out."
            )
        if query > room:
            raise UserError(
                f"--doc_stride is {stride} and --max_query_length {query}, but windows of "
                f"--max_seq_length {length} have room for {budget} tokens, and {query} of the "
                f"question leave {max(0, budget - query)} for the context, where {least} are "
                "needed: give a smaller number for one of the two."
            )
        align = self.align_to_words
        return QuestionSettings(
            rules=rules,
            max_query_length=query,
            doc_stride=stride,
            max_answer_length=min(self.max_answer_length or _MAX_ANSWER_LENGTH[rules], length),
            n_best_size=self.n_best_size or _N_BEST_SIZE[rules],
            null_answer=self.null_answer,
            align_to_words=is_pipeline if align is None else align,
        )
