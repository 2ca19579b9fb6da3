"""Turns a fine-tuned BERT checkpoint into a SavedModel version that answers plain text.

python -m exporter --checkpoint out/model.ckpt-343 --export_dir models/sentiment
"""

import signal
import sys
from collections.abc import Sequence

from absl import flags

import exporter
from exporter.package_conflict import PackageConflict, check_bert_package


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command; BERT's own names wherever BERT has one."""
    from bert.command.flags import define_flags
    from exporter.options import ExportKeywords

    define_flags(ExportKeywords, values)


def main(argv: Sequence[str], values: flags.FlagValues) -> int:
    """Exports by the flags; the exit code."""
    if len(argv) > 1:
        return _fail(f"Unexpected argument {argv[1]!r}: every option is a flag, as --checkpoint.")
    # A plain SIGTERM would skip the clean-up of --export_dir.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    from bert.command.flags import given_options
    from bert.errors import UserError
    from exporter.options import ExportKeywords
    from exporter.progress import stage

    try:
        report = exporter.export(**given_options(ExportKeywords, values), stage=stage)
    except UserError as error:
        return _fail(str(error))
    except exporter.VerificationError as error:
        return _fail(f"The export was not published: {error}.")
    print(report.summary())
    return 0


def run() -> int:
    """The command; the exit code, where the process does not end here."""
    try:
        check_bert_package()
    except PackageConflict as error:
        return _fail(str(error))
    from bert.command.running import Command, end
    from exporter.options import ExportKeywords

    command = Command(
        name="",
        summary="Turns a fine-tuned BERT checkpoint into a SavedModel version that answers plain "
        "text on TensorFlow Serving.",
        usage="python -m exporter --checkpoint PATH --export_dir PATH [flags]",
        options=ExportKeywords,
        define_flags=define_flags,
        main=main,
        examples=(
            "python -m exporter --checkpoint out/model.ckpt-343 --export_dir models/sentiment",
            "python -m exporter --checkpoint all-MiniLM-L6-v2 --export_dir models/minilm",
            "python -m exporter --checkpoint out --export_dir models/mrpc --text_pair \\",
            "    --labels different,same --verify_file pairs.tsv",
            "python -m exporter --checkpoint old/1600000000 --export_dir models/old \\",
            "    --default_signature features_with_label_ids",
        ),
    )
    end(command.run())


def _fail(sentence: str) -> int:
    print(sentence, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(run())
