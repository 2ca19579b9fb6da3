r"""Fine-tunes BERT to classify sentences, pairs of them, or words, with the original's flags.

    python -m bert.run_classifier --task_name sst-2 --data_dir DATA --output_dir OUT \
        --init_checkpoint DIR/bert_model.ckpt --do_train --do_eval --do_predict

Flags mean what they mean in google-research/bert's run_classifier.py.
"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from absl import flags

from bert.command import flags as command_flags
from bert.command.options import require_valid, with_paths
from bert.command.running import Command
from bert.errors import UserError
from bert.tensorflow_import import import_tensorflow_quietly
from bert.training.dataset import Dataset
from bert.training.datasets import find_dataset
from bert.training.options import FineTuningOptions
from bert.training.tagging.dataset import TaggingDataset
from bert.training.training_options import TrainingOptions

if TYPE_CHECKING:
    from bert.training.fine_tuning import FineTuning
    from bert.training.run import Run
    from bert.training.tagging.run import TaggingRun


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    command_flags.define_flags(FineTuningOptions, values)


def main(arguments: Sequence[str], values: flags.FlagValues) -> int:
    """Runs the command; returns the exit status, 0 or 1."""
    try:
        # The quick mistakes are told before TensorFlow is imported, which takes seconds.
        _check_flags(arguments, values)
        options = with_paths(
            FineTuningOptions(**command_flags.given_options(FineTuningOptions, values))
        )
        require_valid(options)
        dataset = find_dataset(options)
        import_tensorflow_quietly()
        _run(dataset, options)
    except UserError as error:
        print(f"run_classifier: {error}", file=sys.stderr)
        return 1
    return 0


def _run(dataset: Dataset | TaggingDataset, options: FineTuningOptions) -> None:
    """Runs the phases that the options ask for, in the original's order."""
    run: FineTuning | TaggingRun
    if isinstance(dataset, TaggingDataset):
        from bert.training.tagging import run as tagging

        run, text_pair = tagging.TaggingRun(dataset, options), False
    else:
        from bert.training import fine_tuning

        run, text_pair = fine_tuning.FineTuning(dataset, options), dataset.is_pair
    if options.do_train:
        run.train()
    if options.do_eval:
        run.evaluate()
    if options.do_predict:
        run.predict()
    if options.do_export:
        labels = None if options.labels is None else tuple(options.labels)
        export_trained(run, options, text_pair=text_pair, labels=labels)


def _check_flags(arguments: Sequence[str], values: flags.FlagValues) -> None:
    if not values.task_name:
        raise UserError("--task_name is not given: name the task with it.")
    require_phase(arguments, values, ("do_train", "do_eval", "do_predict", "do_export"))
    if not values.data_dir and (values.do_train or values.do_eval or values.do_predict):
        raise UserError("--data_dir is not given: name the directory with the data with it.")


def require_phase(
    arguments: Sequence[str], values: flags.FlagValues, phases: Sequence[str]
) -> None:
    """Checks the flags that every training command has.

    Raises:
      UserError: none of the phases is asked for, or a flag is missing or has no meaning here.
    """
    if len(arguments) > 1:
        raise UserError(f"unexpected argument {arguments[1]}: this command has flags only.")
    if values.use_tpu:
        raise UserError("--use_tpu is true, but TPUs are not supported: leave the flag out.")
    if not any(values[name].value for name in phases):
        named = [f"--{name}" for name in phases]
        raise UserError(
            f"nothing to do: give at least one of {', '.join(named[:-1])} and {named[-1]}."
        )
    if not values.output_dir:
        raise UserError(
            "--output_dir is not given: name the directory for checkpoints and results with it."
        )
    if values.do_export and not values.export_dir:
        raise UserError("--do_export needs --export_dir: name the base path of the served model.")


def export_trained(done: "Run[Any]", options: TrainingOptions, **more: Any) -> None:
    """Exports the checkpoint that a run ended with; `more` are keywords of `export`.

    Raises:
      UserError: the export is refused or does not answer as it should.
    """
    # An application at the edge of both packages: nothing else in bert knows the exporter.
    from exporter import VerificationError, export
    from exporter.progress import stage

    settings = done.settings
    try:
        report = export(
            checkpoint=done.trained_checkpoint(),
            export_dir=str(options.export_dir),
            # Training has written what it took from config.json or params.yaml.
            bert_config_file=settings.config_file if settings.is_google_research else None,
            vocab_file=settings.vocabulary_file,
            do_lower_case=settings.do_lower_case.value,
            max_seq_length=options.max_seq_length,
            stage=stage,
            **more,
        )
    except VerificationError as error:
        raise UserError(f"The export was not published: {error}.") from error
    print(report.summary(), flush=True)


def run() -> int:
    """The command; the exit code."""
    command = Command(
        name="run_classifier: ",
        summary="Fine-tunes BERT to classify sentences, pairs of them, or words; flags mean what "
        "they mean in google-research/bert's run_classifier.py.",
        usage="python -m bert.run_classifier --task_name NAME --output_dir PATH [flags]",
        options=FineTuningOptions,
        define_flags=define_flags,
        main=main,
        examples=(
            "python -m bert.run_classifier --task_name sst-2 --data_dir DATA --output_dir OUT \\",
            "    --init_checkpoint DIR/bert_model.ckpt --do_train --do_eval --do_predict",
            "python -m bert.run_classifier --task_name mrpc --output_dir OUT \\",
            "    --do_export --export_dir models/mrpc --labels different,same",
            "python -m bert.run_classifier --task_name custom --data_dir tickets \\",
            "    --text_column message --label_column team --init_checkpoint DIR \\",
            "    --output_dir OUT --do_train --do_eval",
            "python -m bert.run_classifier --task_name ner --data_dir conll \\",
            "    --init_checkpoint DIR --output_dir OUT --do_train --do_eval",
        ),
    )
    return command.run()


if __name__ == "__main__":
    sys.exit(run())
