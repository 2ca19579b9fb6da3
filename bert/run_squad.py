r"""Fine-tunes BERT to answer questions about a context, with the original's flags.

    python -m bert.run_squad --train_file train-v1.1.json --predict_file dev-v1.1.json \
        --init_checkpoint DIR/bert_model.ckpt --output_dir OUT --do_train --do_predict

Flags mean what they mean in google-research/bert's run_squad.py.
"""

import sys
from collections.abc import Sequence

from absl import flags

from bert.command import flags as command_flags
from bert.command.options import require_valid, with_paths
from bert.command.running import Command
from bert.errors import UserError
from bert.run_classifier import export_trained, require_phase
from bert.tensorflow_import import import_tensorflow_quietly
from bert.training.questions.options import SquadOptions

# [CLS], [SEP] and [SEP].
_SPECIAL_TOKENS = 3


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's flags."""
    command_flags.define_flags(SquadOptions, values)


def main(arguments: Sequence[str], values: flags.FlagValues) -> int:
    """Runs the command; returns the exit status, 0 or 1."""
    try:
        # The quick mistakes are told before TensorFlow is imported, which takes seconds.
        require_phase(arguments, values, ("do_train", "do_predict", "do_export"))
        options = with_paths(SquadOptions(**command_flags.given_options(SquadOptions, values)))
        require_valid(options)
        _require_files(options)
        import_tensorflow_quietly()
        _run(options)
    except UserError as error:
        print(f"run_squad: {error}", file=sys.stderr)
        return 1
    return 0


def _run(options: SquadOptions) -> None:
    from bert.training.questions import run as questions

    done = questions.run(options)
    if options.do_export:
        export_trained(done, options, **done.export_keywords())


def _require_files(options: SquadOptions) -> None:
    for flag, file, phase, asked in (
        ("--train_file", options.train_file, "--do_train", options.do_train),
        ("--predict_file", options.predict_file, "--do_predict", options.do_predict),
    ):
        if asked and file is None:
            raise UserError(f"{phase} needs {flag}: name a file in SQuAD's format with it.")
        if asked and file is not None and not file.is_file():
            raise UserError(f"{flag} {file} is no file: name one in SQuAD's format.")
    if options.max_seq_length <= options.max_query_length + _SPECIAL_TOKENS:
        raise UserError(
            f"--max_seq_length is {options.max_seq_length}, where more than "
            f"--max_query_length + {_SPECIAL_TOKENS} = {options.max_query_length + _SPECIAL_TOKENS}"
            " is expected: give a larger number, or a smaller --max_query_length."
        )


def run() -> int:
    """The command; the exit code."""
    command = Command(
        name="run_squad: ",
        summary="Fine-tunes BERT to answer questions about a context; flags mean what they mean in "
        "google-research/bert's run_squad.py.",
        usage="python -m bert.run_squad --output_dir PATH [flags]",
        options=SquadOptions,
        define_flags=define_flags,
        main=main,
        examples=(
            "python -m bert.run_squad --train_file train-v1.1.json --predict_file dev-v1.1.json \\",
            "    --init_checkpoint DIR/bert_model.ckpt --output_dir OUT --do_train --do_predict",
            "python -m bert.run_squad --output_dir OUT --do_export --export_dir models/answers",
        ),
    )
    return command.run()


if __name__ == "__main__":
    sys.exit(run())
