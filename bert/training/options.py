"""The options of fine-tuning, under the names of google-research/bert's flags."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bert.command.options import declared, option
from bert.training.dataset import BEST
from bert.training.glue_tasks import TASKS
from bert.training.own_data import CUSTOM, LABEL, TEXT

# The largest number that TensorFlow counts with here, an int32.
_MOST = 2**31 - 1

# The headings of `--help`.
_DATA = "What is read and written"
_OWN = "Data of your own (--task_name=custom)"
_TEXT = "What the model is, where its files leave that open"
_TRAINING = "How it is trained"


def _count(default: int, help: str, least: int = 1) -> Any:
    return option(default, help, group=_TRAINING, least=least, most=_MOST)


@dataclasses.dataclass(frozen=True, kw_only=True)
class FineTuningOptions:
    """One run: train, evaluate, predict."""

    task_name: str = dataclasses.field(
        metadata=declared(
            f"the task to train: {', '.join(sorted(TASKS))}, or {CUSTOM} for data of your own",
            group=_DATA,
        )
    )
    output_dir: Path = dataclasses.field(
        metadata=declared("directory to write checkpoints and results to", group=_DATA)
    )
    data_dir: Path | None = option(
        None,
        f"directory with train.tsv, dev.tsv and test.tsv; {CUSTOM} data may end in .csv, .tsv or "
        ".jsonl",
        group=_DATA,
    )
    init_checkpoint: Path | None = option(
        None,
        "checkpoint to start from, usually of a pre-trained model",
        group=_DATA,
        unset="random weights",
    )
    do_train: bool = option(False, "whether to train", group=_DATA)
    do_eval: bool = option(False, "whether to evaluate on dev.tsv", group=_DATA)
    do_predict: bool = option(
        False, "whether to predict test.tsv, or dev.tsv where there is none", group=_DATA
    )
    xnli_language: str = option("zh", "language of the data, with --task_name=xnli", group=_DATA)
    text_column: str | None = option(
        None,
        "column with the text, by name, or by number from 0 where there is no header",
        group=_OWN,
        unset=f"{TEXT}, or the first column",
    )
    text_b_column: str | None = option(
        None, "column with the second text of a pair", group=_OWN, unset="single texts"
    )
    label_column: str | None = option(
        None, "column with the label", group=_OWN, unset=f"{LABEL}, or the last column"
    )
    regression: bool = option(
        False, "whether the labels are numbers, which are to be predicted", group=_OWN
    )
    multilabel: bool = option(
        False, "whether an example may have several labels, or none", group=_OWN
    )
    label_separator: str = option(
        ",", "what stands between the labels of an example, with --multilabel", group=_OWN
    )
    header: bool | None = option(
        None,
        "whether the first line names the columns",
        group=_OWN,
        unset="if it has the names of text and label",
    )
    labels: Sequence[str] | None = option(
        None,
        "the labels in class order; for the other tasks, their names in the export",
        group=_OWN,
        unset="those of the training data, sorted; for the other tasks, their own",
    )
    dev_fraction: float = option(
        0.1,
        "share of the training data to evaluate on where there is no file for that, of each label",
        group=_OWN,
        least=0.0,
        most=0.9,
    )
    bert_config_file: Path | None = option(
        None,
        "JSON file with the architecture of the pre-trained model",
        group=_TEXT,
        unset="bert_config.json next to the checkpoint",
    )
    vocab_file: Path | None = option(
        None,
        "vocabulary of the pre-trained model",
        group=_TEXT,
        unset="vocab.txt next to the checkpoint",
    )
    do_lower_case: bool | None = option(
        None,
        "whether to lower-case the text: true for uncased models, false for cased ones",
        group=_TEXT,
        unset="tokenizer_config.json next to the checkpoint, else inferred from the vocabulary",
    )
    max_seq_length: int = option(
        128,
        "most tokens of an input after WordPiece tokenization, [CLS] and [SEP] included; longer "
        "ones are truncated",
        group=_TEXT,
        least=1,
        most=_MOST,
    )
    train_batch_size: int = _count(32, "examples a training step")
    eval_batch_size: int = _count(8, "examples a batch of evaluation")
    predict_batch_size: int = _count(8, "examples a batch of prediction")
    learning_rate: float = option(5e-5, "highest learning rate of Adam", group=_TRAINING, least=0.0)
    num_train_epochs: float = option(
        3.0, "times to go through train.tsv", group=_TRAINING, least=0.0
    )
    warmup_proportion: float = option(
        0.1,
        "share of the training during which the learning rate rises to its highest",
        group=_TRAINING,
        least=0.0,
        most=1.0,
    )
    save_checkpoints_steps: int = _count(1000, "steps between two checkpoints")
    gradient_accumulation_steps: int = _count(
        1, "passes that the examples of a step are split into: the same step with less memory"
    )
    keep_best: bool = option(
        False,
        "whether to evaluate every checkpoint, to keep the one with the best dev metric in "
        f"{BEST}/ of the output directory, and to evaluate, predict and export that one",
        group=_TRAINING,
    )
    early_stopping: int | None = option(
        None,
        "evaluations of a checkpoint in a row with no better dev metric, after which training ends",
        group=_TRAINING,
        unset="never",
        least=1,
    )
    plots: bool = option(
        False,
        "whether to draw the learning curve of --do_train and the confusion matrix of --do_eval as "
        "PNG (needs matplotlib)",
        group=_TRAINING,
    )
    seed: int = _count(12345, "seed of shuffling, dropout and random initial weights", least=0)

    @property
    def judges_checkpoints(self) -> bool:
        """Whether every checkpoint is evaluated."""
        return self.keep_best or self.early_stopping is not None
