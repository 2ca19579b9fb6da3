"""The options for reading a checkpoint, besides its path."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Generic

from bert.command.options import File, option
from bert.errors import UserError
from bert.model import TOKENIZERS
from bert.tasks import (
    ALL_TOKENS,
    FIRST_TOKEN,
    LAST_TOKEN,
    MAX,
    MEAN,
    POOLER,
    TASKS,
    Task,
    beside,
)

# The heading of `--help`.
MODEL = "What the model is, where its files leave that open"

# What gives a checkpoint where nothing else does.
CHECKPOINT = "--checkpoint"

# bert-as-service (bert_serving/server/graph.py), PoolingStrategy, and BERT's own pooler.
POOLING_STRATEGIES = {
    "NONE": ALL_TOKENS,
    "REDUCE_MEAN": MEAN,
    "REDUCE_MAX": MAX,
    "REDUCE_MEAN_MAX": beside(MEAN, MAX),
    "CLS_TOKEN": FIRST_TOKEN,
    "SEP_TOKEN": LAST_TOKEN,
    "POOLER": POOLER,
}


@dataclasses.dataclass(frozen=True, kw_only=True)
class ReadKeywords(Generic[File]):
    """The options as keywords; None leaves an answer to the files of the checkpoint."""

    task: str | None = option(
        None,
        "what the head does",
        group=MODEL,
        unset="by the checkpoint",
        choices=tuple(TASKS),
    )
    labels: Sequence[str] | None = option(
        None,
        "names of the classes, in class order",
        group=MODEL,
        unset="id2label of config.json, else LABEL_0, ... for Hugging Face's, 0, ... for others",
    )
    bert_config_file: File | None = option(
        None, "the configuration of the encoder", group=MODEL, unset="next to the checkpoint"
    )
    vocab_file: File | None = option(
        None, "the vocabulary", group=MODEL, unset="next to the checkpoint"
    )
    do_lower_case: bool | None = option(
        None,
        "whether the model is uncased",
        group=MODEL,
        unset="tokenizer_config.json, else inferred from the vocabulary",
    )
    tokenizer: str | None = option(
        None,
        "the library whose ids the model was trained on",
        group=MODEL,
        unset="by the kind of checkpoint",
        choices=TOKENIZERS,
        fix="give the library that the model was trained with",
    )
    max_seq_length: int | None = option(
        None,
        "length in tokens, with [CLS] and [SEP], at which texts are truncated",
        group=MODEL,
        unset="sentence_bert_config.json, else tokenizer_config.json, else all rows of the "
        "position table for Hugging Face's models, 128 for others",
    )
    pooling_strategy: str | None = option(
        None,
        "how the vectors of tokens become the embedding, named as in bert-as-service; NONE gives "
        "those of all tokens",
        group=MODEL,
        unset="that of the model: its pooling module, its pooler's output, or [CLS]",
        choices=tuple(POOLING_STRATEGIES),
    )
    pooling_layer: Sequence[str] | None = option(
        None,
        "numbers of the layers whose vectors are pooled, as indices of a list: -1 is the last; "
        "those of several are put side by side, and layers above the highest are left out",
        group=MODEL,
        unset="-1",
    )
    normalize: bool | None = option(
        None,
        "whether an embedding is divided by its length",
        group=MODEL,
        unset="by the modules of a sentence-transformers model, no for others",
    )


ReadOptions = ReadKeywords[Path]
"""the same with files as paths, as the readers take it"""


def class_labels(given: Sequence[str] | None, num_labels: int) -> tuple[str, ...]:
    """The names given for `num_labels` classes, else `0`, `1`, ...

    Raises:
      UserError: another number of names, or a name twice.
    """
    if given is None:
        return tuple(str(index) for index in range(num_labels))
    if len(given) != num_labels:
        raise UserError(
            f"--labels or --label_file names {len(given)} labels ({', '.join(given)}), but the "
            f"checkpoint has {num_labels} classes: name one label for each class, in class order."
        )
    if len(set(given)) != len(given):
        twice = next(label for label in given if given.count(label) > 1)
        raise UserError(
            f"--labels or --label_file names {twice!r} twice: give every class a name of its own."
        )
    return tuple(given)


def require_no_labels(given: Sequence[str] | None, task: Task) -> None:
    """Refuses names for a task without classes.

    Raises:
      UserError: there are some.
    """
    if given is not None:
        raise UserError(
            f"--labels or --label_file names {len(given)} labels ({', '.join(given)}), but the "
            f"model's task, {task}, has no classes: leave the flag out."
        )


def task_labels(given: Sequence[str] | None, task: Task, num_labels: int) -> tuple[str, ...]:
    """The names of the classes, none where the task has no labels.

    Raises:
      UserError: names that do not fit the task or its classes.
    """
    if task.has_labels:
        return class_labels(given, num_labels)
    require_no_labels(given, task)
    return ()
