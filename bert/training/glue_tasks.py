"""The tasks of GLUE, and XNLI: their labels, and the layouts of their official files."""

import dataclasses
from collections.abc import Mapping

from bert.errors import UserError
from bert.tasks import CLASSIFICATION, REGRESSION, Task
from bert.training.dataset import DEV, TEST, TRAIN
from bert.training.metrics import F1, MATTHEWS


@dataclasses.dataclass(frozen=True)
class Layout:
    """Which column holds what, counted from 0, and whether the first line is a header.

    A label at −1 stands in the last column, of however many.
    """

    text_a: int
    text_b: int | None = None
    label: int | None = None
    has_header: bool = False
    language: int | None = None
    """the column whose value must be the language that is asked for; other rows are left out"""

    @property
    def num_columns(self) -> int:
        """The columns that a row must have at least."""
        return 1 + max(self.text_a, self.text_b or 0, self.label or 0, self.language or 0)


@dataclasses.dataclass(frozen=True)
class GlueTask:
    """The labels of a task, in class order, and the layout of its files.

    A first line equal to one of `headers` decides the layout of its file; otherwise
    `labelled` is the one of train.tsv and dev.tsv, `unlabelled` the one of test.tsv.
    """

    labels: tuple[str, ...]
    """none where they are numbers"""

    labelled: Layout
    unlabelled: Layout
    task: Task = CLASSIFICATION
    layouts: Mapping[str, Layout] = dataclasses.field(default_factory=dict)
    """those of splits whose files look otherwise"""

    headers: Mapping[str, Layout] = dataclasses.field(default_factory=dict)
    files: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """the paths of files, without .tsv, that are not those of their splits; {} is the language"""

    renamed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """labels that files call otherwise"""

    metrics: tuple[str, ...] = ()
    """what is measured besides the metrics of `task`, as the benchmark has it"""

    @property
    def is_pair(self) -> bool:
        """Whether an example has two texts."""
        return self.labelled.text_b is not None

    def layout(self, split: str) -> Layout:
        """The layout of a split's file without a known header."""
        other = self.unlabelled if split == TEST else self.labelled
        return self.layouts.get(split, other)


_NLI_LABELS = ("entailment", "not_entailment")
_MNLI_LABELS = ("contradiction", "entailment", "neutral")
_XNLI = Layout(text_a=6, text_b=7, label=1, has_header=True, language=0)


def _mnli(files: str) -> GlueTask:
    """run_classifier.py, MnliProcessor, with the files of one of its two development sets."""
    return GlueTask(
        labels=_MNLI_LABELS,
        labelled=Layout(text_a=8, text_b=9, label=-1, has_header=True),
        unlabelled=Layout(text_a=8, text_b=9, has_header=True),
        files={DEV: f"dev_{files}", TEST: f"test_{files}"},
    )


def _numbered_pairs(labels: tuple[str, ...]) -> GlueTask:
    """A header, then number, two texts and label."""
    return GlueTask(
        labels=labels,
        labelled=Layout(text_a=1, text_b=2, label=3, has_header=True),
        unlabelled=Layout(text_a=1, text_b=2, has_header=True),
    )


# The files of gluebenchmark.com's downloads.
TASKS: Mapping[str, GlueTask] = {
    # run_classifier.py, ColaProcessor
    "cola": GlueTask(
        labels=("0", "1"),
        labelled=Layout(text_a=3, label=1),
        unlabelled=Layout(text_a=1, has_header=True),
        metrics=(MATTHEWS,),
    ),
    "mnli": _mnli("matched"),
    "mnli-mm": _mnli("mismatched"),
    # run_classifier.py, MrpcProcessor; msr_paraphrase_train.txt has the same columns.
    "mrpc": GlueTask(
        labels=("0", "1"),
        labelled=Layout(text_a=3, text_b=4, label=0, has_header=True),
        unlabelled=Layout(text_a=3, text_b=4, has_header=True),
        metrics=(F1,),
    ),
    "qnli": _numbered_pairs(_NLI_LABELS),
    "qqp": GlueTask(
        labels=("0", "1"),
        labelled=Layout(text_a=3, text_b=4, label=5, has_header=True),
        unlabelled=Layout(text_a=1, text_b=2, has_header=True),
        metrics=(F1,),
    ),
    "rte": _numbered_pairs(_NLI_LABELS),
    "sst-2": GlueTask(
        labels=("0", "1"),
        labelled=Layout(text_a=0, label=1),
        unlabelled=Layout(text_a=0),
        # The headers of GLUE's own download.
        headers={
            "sentence\tlabel": Layout(text_a=0, label=1, has_header=True),
            "index\tsentence": Layout(text_a=1, has_header=True),
        },
    ),
    # 0 to 5, of which a header of GLUE's says "score".
    "sts-b": GlueTask(
        labels=(),
        labelled=Layout(text_a=7, text_b=8, label=9, has_header=True),
        unlabelled=Layout(text_a=7, text_b=8, has_header=True),
        task=REGRESSION,
    ),
    "wnli": _numbered_pairs(("0", "1")),
    # run_classifier.py, XnliProcessor; test as dev.
    "xnli": GlueTask(
        labels=_MNLI_LABELS,
        labelled=_XNLI,
        unlabelled=dataclasses.replace(_XNLI, label=None),
        layouts={TRAIN: Layout(text_a=0, text_b=1, label=2, has_header=True)},
        files={TRAIN: "multinli/multinli.train.{}", DEV: "xnli.dev", TEST: "xnli.test"},
        renamed={"contradictory": "contradiction"},
    ),
}


def find_task(name: str) -> GlueTask:
    """The task of that name, in any casing, with hyphens or without.

    Raises:
      UserError: there is none.
    """
    plain = name.lower().replace("-", "")
    task = next((task for key, task in TASKS.items() if key.replace("-", "") == plain), None)
    if task is None:
        raise UserError(
            f"--task_name is {name!r}, where one of custom, {', '.join(sorted(TASKS))} is "
            "expected: name the one whose files your data look like, or custom for your own."
        )
    return task
