"""Scores files of any number of rows on Apache Beam: here, or on an engine that people run.

python -m exporter.batch --model models/sentiment --input 'in/*.jsonl' --output out/scores \
    --signature labels
"""

import json
import os
import signal
import sys
from collections.abc import Sequence

from absl import flags

from bert.command import flags as command_flags
from bert.command.options import require_valid
from bert.command.running import Command
from bert.errors import UserError
from bert.tensorflow_import import import_tensorflow_quietly
from exporter.batch.options import BatchOptions


def define_flags(values: flags.FlagValues) -> None:
    """Defines the command's own flags."""
    command_flags.define_flags(BatchOptions, values)
    # So that a value of a flag of Beam's does not end the flags.
    values.set_gnu_getopt(True)


def main(arguments: Sequence[str], values: flags.FlagValues) -> int:
    """Runs the job; the exit code: 0 if it ended and a row has an answer or there was none."""
    # A plain SIGTERM would skip the clean-up next to --output.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # Worker processes inherit it.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        options = BatchOptions(**command_flags.given_options(BatchOptions, values))
        require_valid(options)
        import_tensorflow_quietly()
        try:
            import pyarrow  # noqa: F401  # before Beam, which would go on without it

            from exporter.batch.running import run as run_job
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("apache_beam", "pyarrow"):
                raise
            raise UserError(
                "Batch scoring needs Apache Beam: install this package with its extra 'batch', "
                "pip install '.[batch]'."
            ) from None
        summary = run_job(options, arguments[1:])
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(summary, indent=2, ensure_ascii=False))
    if summary["failures"] and not summary["rows"]:
        print(f"No row has an answer: see {options.output}/failures-*.jsonl.", file=sys.stderr)
        return 1
    return 0


def run() -> int:
    """The command; the exit code."""
    command = Command(
        name="",
        summary="Scores files of any number of rows on Apache Beam, on this machine or on an "
        "engine. Pipeline options of Beam are flags too: --direct_running_mode=multi_processing "
        "--direct_num_workers=2 makes two worker processes.",
        usage="python -m exporter.batch --model DIR --input FILES --output DIR [flags] "
        "[flags of Beam]",
        options=BatchOptions,
        define_flags=define_flags,
        main=main,
        passes_unknown_flags=True,
        examples=(
            "python -m exporter.batch --model models/sentiment --input 'in/*.jsonl' "
            "--output out/scores \\",
            "  --signature labels",
            "python -m exporter.batch --model models/sentiment --input in/a.csv,in/b.csv "
            "--output out/scores \\",
            "  --text_column review --output_format parquet",
        ),
    )
    return command.run()


if __name__ == "__main__":
    sys.exit(run())
