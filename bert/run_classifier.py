r"""Fine-tunes BERT to classify sentences or pairs of them, with the original's flags.

    python -m bert.run_classifier --task_name sst-2 --data_dir DATA --output_dir OUT \
        --init_checkpoint DIR/bert_model.ckpt --do_train --do_eval --do_predict

Flags mean what they mean in google-research/bert's run_classifier.py.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from absl import app, flags

from bert.errors import UserError
from bert.tensorflow_import import import_tensorflow_quietly
from bert.training.glue import DEV, TEST, TRAIN, Task, find_task, split_file

if TYPE_CHECKING:
    from bert.training.fine_tuning import FineTuning

_WITHOUT_TPU = "Accepted for old command lines; without a TPU it has no effect."


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags."""

    def string(name: str, text: str) -> None:
        flags.DEFINE_string(name, None, text, flag_values=values)

    def boolean(name: str, default: bool | None, text: str) -> None:
        flags.DEFINE_bool(name, default, text, flag_values=values)

    def integer(name: str, default: int, text: str, least: int = 1) -> None:
        flags.DEFINE_integer(name, default, text, least, 2**31 - 1, flag_values=values)

    def number(name: str, default: float, text: str, most: float | None = None) -> None:
        flags.DEFINE_float(name, default, text, 0.0, most, flag_values=values)

    string("data_dir", "Directory with train.tsv, dev.tsv and test.tsv.")
    string(
        "bert_config_file",
        "JSON file with the architecture of the pre-trained model. Default: bert_config.json "
        "beside the checkpoint.",
    )
    string("task_name", "Name of the task to train.")
    string(
        "vocab_file",
        "Vocabulary of the pre-trained model. Default: vocab.txt beside the checkpoint.",
    )
    string("output_dir", "Directory to write checkpoints and results to.")
    string("init_checkpoint", "Checkpoint to start from, usually of a pre-trained model.")
    boolean(
        "do_lower_case",
        None,
        "Whether to lower-case the text: true for uncased models, false for cased ones. Default: "
        "as tokenizer_config.json beside the checkpoint says, else as the vocabulary looks.",
    )
    integer(
        "max_seq_length",
        128,
        "Most tokens of an input after WordPiece tokenization, [CLS] and [SEP] included; longer "
        "ones are truncated.",
    )
    boolean("do_train", False, "Whether to train.")
    boolean("do_eval", False, "Whether to evaluate on dev.tsv.")
    boolean("do_predict", False, "Whether to predict test.tsv, or dev.tsv where there is none.")
    integer("train_batch_size", 32, "Examples a training step.")
    integer("eval_batch_size", 8, "Examples a batch of evaluation.")
    integer("predict_batch_size", 8, "Examples a batch of prediction.")
    number("learning_rate", 5e-5, "Highest learning rate of Adam.")
    number("num_train_epochs", 3.0, "Times to go through train.tsv.")
    number(
        "warmup_proportion",
        0.1,
        "Share of the training during which the learning rate rises to its highest.",
        most=1.0,
    )
    integer("save_checkpoints_steps", 1000, "Steps between two checkpoints.")
    integer("iterations_per_loop", 1000, _WITHOUT_TPU)
    boolean("use_tpu", False, "TPUs are not supported: must be false.")
    for name in ("tpu_name", "tpu_zone", "gcp_project", "master", "tpu_job_name"):
        string(name, _WITHOUT_TPU)
    integer("num_tpu_cores", 8, _WITHOUT_TPU)
    integer("seed", 12345, "Seed of shuffling, dropout and random initial weights.", least=0)
    boolean("do_export", False, "Whether to export a SavedModel that takes plain text.")
    string("export_dir", "Base path of the served model; --do_export makes a version in it.")
    flags.DEFINE_list(
        "labels", None, "Names of the classes in the export, in class order.", flag_values=values
    )


def main(arguments: Sequence[str], values: flags.FlagValues) -> int:
    """Runs the command; returns the exit status, 0 or 1."""
    try:
        # The quick mistakes are told before TensorFlow is imported, which takes seconds.
        task = _check_flags(arguments, values)
        import_tensorflow_quietly()
        _run(task, values)
    except UserError as error:
        print(f"run_classifier: {error}", file=sys.stderr)
        return 1
    return 0


def _run(task: Task, values: flags.FlagValues) -> None:
    from bert.training import fine_tuning

    done = fine_tuning.run(
        task,
        fine_tuning.Options(
            data_dir=Path(values.data_dir or ""),
            output_dir=Path(values.output_dir),
            init_checkpoint=_path(values.init_checkpoint),
            bert_config_file=_path(values.bert_config_file),
            vocab_file=_path(values.vocab_file),
            do_lower_case=values.do_lower_case,
            max_seq_length=values.max_seq_length,
            do_train=values.do_train,
            do_eval=values.do_eval,
            do_predict=values.do_predict,
            train_batch_size=values.train_batch_size,
            eval_batch_size=values.eval_batch_size,
            predict_batch_size=values.predict_batch_size,
            learning_rate=values.learning_rate,
            num_train_epochs=values.num_train_epochs,
            warmup_proportion=values.warmup_proportion,
            save_checkpoints_steps=values.save_checkpoints_steps,
            seed=values.seed,
        ),
    )
    if values.do_export:
        _export(done, task, values)


def _check_flags(arguments: Sequence[str], values: flags.FlagValues) -> Task:
    if len(arguments) > 1:
        raise UserError(f"unexpected argument {arguments[1]}: this command has flags only.")
    if values.use_tpu:
        raise UserError("--use_tpu is true, but TPUs are not supported: leave the flag out.")
    if not (values.do_train or values.do_eval or values.do_predict or values.do_export):
        raise UserError(
            "nothing to do: give at least one of --do_train, --do_eval, --do_predict and "
            "--do_export."
        )
    for name, meaning in (
        ("task_name", "the task"),
        ("output_dir", "the directory for checkpoints and results"),
    ):
        if not values[name].value:
            raise UserError(f"--{name} is not given: name {meaning} with it.")
    task = find_task(values.task_name)
    if values.do_train or values.do_eval or values.do_predict:
        _check_data(values.data_dir, values.do_train, values.do_eval, values.do_predict)
    if values.do_export:
        _check_export(values.export_dir, values.labels, task)
    return task


def _check_data(directory: str | None, do_train: bool, do_eval: bool, do_predict: bool) -> None:
    if not directory:
        raise UserError("--data_dir is not given: name the directory with the .tsv files with it.")
    data_dir = Path(directory)
    needed = [(TRAIN, "--do_train", do_train), (DEV, "--do_eval", do_eval)]
    if not split_file(data_dir, TEST).exists():
        needed.append((DEV, "--do_predict", do_predict))
    for split, flag, is_needed in needed:
        if is_needed and not split_file(data_dir, split).exists():
            raise UserError(
                f"--data_dir {data_dir} has no {split}.tsv, which {flag} reads: name the directory "
                "with the .tsv files."
            )


def _check_export(export_dir: str | None, labels: list[str] | None, task: Task) -> None:
    if not export_dir:
        raise UserError("--do_export needs --export_dir: name the base path of the served model.")
    if labels is not None and len(labels) != len(task.labels):
        raise UserError(
            f"--labels names {len(labels)} labels ({', '.join(labels)}), but the task has "
            f"{len(task.labels)} classes ({', '.join(task.labels)}): name one label for each, in "
            "this order."
        )
    if labels is not None and len(set(labels)) != len(labels):
        raise UserError(
            f"--labels names a label twice ({', '.join(labels)}): give every class a name of its "
            "own."
        )


def _export(done: "FineTuning", task: Task, values: flags.FlagValues) -> None:
    # An application at the edge of both packages: nothing else in bert knows the exporter.
    from exporter import export
    from exporter.progress import stage
    from exporter.proof.verification import VerificationError

    settings = done.settings
    try:
        report = export(
            checkpoint=done.trained_checkpoint(),
            export_dir=values.export_dir,
            # Training has written what it took from config.json or params.yaml.
            bert_config_file=settings.config_file if settings.is_google_research else None,
            vocab_file=settings.vocabulary_file,
            do_lower_case=settings.do_lower_case.value,
            max_seq_length=values.max_seq_length,
            text_pair=task.is_pair,
            labels=None if values.labels is None else tuple(values.labels),
            stage=stage,
        )
    except VerificationError as error:
        raise UserError(f"The export was not published: {error}.") from error
    print(report.summary(), flush=True)


def _path(value: str | None) -> Path | None:
    return Path(value) if value else None


if __name__ == "__main__":
    define_flags(flags.FLAGS)
    app.run(lambda arguments: main(arguments, flags.FLAGS))
