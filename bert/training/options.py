"""The options of fine-tuning, under the names of google-research/bert's flags."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from bert.command.options import declared, option
from bert.training.dataset import BEST
from bert.training.glue_tasks import TASKS
from bert.training.own_data import CUSTOM, LABEL, TEXT
from bert.training.training_options import DATA, TRAINING, TrainingOptions, count

# The name of the task of tagged words.
NER = "ner"

# The headings of `--help`.
_OWN = "Data of your own (--task_name=custom)"
_TAGS = f"Tagged words (--task_name={NER})"


@dataclasses.dataclass(frozen=True, kw_only=True)
class FineTuningOptions(TrainingOptions):
    """One run: train, evaluate, predict."""

    task_name: str = dataclasses.field(
        metadata=declared(
            f"the task to train: {', '.join(sorted(TASKS))}; {CUSTOM} for data of your own, {NER} "
            "for words with tags",
            group=DATA,
        )
    )
    data_dir: Path | None = option(
        None,
        f"directory with train.tsv, dev.tsv and test.tsv; {CUSTOM} data may end in .csv, .tsv or "
        f".jsonl, that of {NER} in .conll, .txt, .tsv or .jsonl",
        group=DATA,
    )
    do_eval: bool = option(False, "whether to evaluate on dev.tsv", group=DATA)
    do_predict: bool = option(
        False, "whether to predict test.tsv, or dev.tsv where there is none", group=DATA
    )
    xnli_language: str = option("zh", "language of the data, with --task_name=xnli", group=DATA)
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
        "share of the training data to evaluate on where there is no file for that, of each label; "
        f"with --task_name={NER}, too",
        group=_OWN,
        least=0.0,
        most=0.9,
    )
    label_all_tokens: bool = option(
        False,
        "whether all pieces of a word carry its tag, I- in place of B-, and not the first alone",
        group=_TAGS,
    )
    eval_batch_size: int = count(8, "examples a batch of evaluation")
    keep_best: bool = option(
        False,
        "whether to evaluate every checkpoint, to keep the one with the best dev metric in "
        f"{BEST}/ of the output directory, and to evaluate, predict and export that one",
        group=TRAINING,
    )
    early_stopping: int | None = option(
        None,
        "evaluations of a checkpoint in a row with no better dev metric, after which training ends",
        group=TRAINING,
        unset="never",
        least=1,
    )
    plots: bool = option(
        False,
        "whether to draw the learning curve of --do_train and the confusion matrix of --do_eval as "
        "PNG (needs matplotlib)",
        group=TRAINING,
    )

    @property
    def judges_checkpoints(self) -> bool:
        """Whether every checkpoint is evaluated."""
        return self.keep_best or self.early_stopping is not None
