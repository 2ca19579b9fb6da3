"""Which dataset a run's options ask for."""

from pathlib import Path

from bert.errors import UserError
from bert.tasks import CLASSIFICATION, MULTILABEL, REGRESSION, Task
from bert.training.dataset import DEV, TEST, TRAIN, Dataset
from bert.training.glue import GlueDataset
from bert.training.glue_tasks import find_task
from bert.training.options import NER, FineTuningOptions
from bert.training.own_data import CUSTOM, Columns, OwnDataset
from bert.training.tagging.dataset import TaggingDataset


def find_dataset(options: FineTuningOptions) -> Dataset | TaggingDataset:
    """The dataset of a run's task, with the files that its phases read.

    Raises:
      UserError: a file is missing, or two flags contradict each other or the task.
    """
    if options.labels is not None and len(set(options.labels)) != len(options.labels):
        raise UserError(
            f"--labels names a label twice ({', '.join(options.labels)}): give every class a name "
            "of its own."
        )
    dataset = _of_task(options, options.data_dir or Path())
    needed = [(TRAIN, "--do_train", options.do_train), (DEV, "--do_eval", options.do_eval)]
    if options.do_train and options.judges_checkpoints:
        flag = "--keep_best" if options.keep_best else "--early_stopping"
        needed.append((DEV, flag, True))
    if options.do_predict and not dataset.has(TEST):
        needed.append((DEV, "--do_predict", True))
    for split, flag, is_needed in needed:
        if is_needed and not dataset.has(split):
            raise UserError(
                f"--data_dir {options.data_dir} has no {dataset.file(split).name}, which {flag} "
                "reads: name the directory with the data."
            )
    return dataset


def _of_task(options: FineTuningOptions, data_dir: Path) -> Dataset | TaggingDataset:
    given = None if options.labels is None else tuple(options.labels)
    name = options.task_name.lower()
    needs = {"regression": CUSTOM, "multilabel": CUSTOM, "label_all_tokens": NER}
    for flag, needed in needs.items():
        if getattr(options, flag) and name != needed:
            raise UserError(
                f"--{flag} is for --task_name={needed}, but --task_name is {options.task_name}: "
                "leave the flag out, or give that task."
            )
    if name == NER:
        return TaggingDataset(
            data_dir, given, options.output_dir, options.dev_fraction, options.seed
        )
    if name == CUSTOM:
        return _own_data(options, data_dir, given)
    task = find_task(options.task_name)
    if given is not None and len(given) != len(task.labels):
        classes = f"{len(task.labels)} classes ({', '.join(task.labels)})"
        raise UserError(
            f"--labels names {len(given)} labels ({', '.join(given)}), but the task has "
            f"{classes if task.labels else 'numbers for labels'}: "
            f"{'name one label for each, in this order' if task.labels else 'leave the flag out'}."
        )
    return GlueDataset(task, data_dir, options.xnli_language)


def _own_data(
    options: FineTuningOptions, data_dir: Path, given: tuple[str, ...] | None
) -> OwnDataset:
    columns = Columns(
        options.text_column, options.text_b_column, options.label_column, options.header
    )
    return OwnDataset(
        data_dir,
        columns,
        given,
        options.output_dir,
        options.dev_fraction,
        options.seed,
        _task_of_own_data(options),
        options.label_separator,
    )


def _task_of_own_data(options: FineTuningOptions) -> Task:
    if options.regression and options.multilabel:
        raise UserError("--regression and --multilabel are both given: give one of the two.")
    if options.regression and options.labels is not None:
        raise UserError(
            f"--labels names {len(options.labels)} labels, but with --regression labels are "
            "numbers: leave one of the two out."
        )
    if options.regression:
        return REGRESSION
    if not options.label_separator:
        raise UserError("--label_separator is empty: give the text that stands between two labels.")
    return MULTILABEL if options.multilabel else CLASSIFICATION
