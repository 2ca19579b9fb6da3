"""Scores files of any number of rows on Apache Beam: here, or on an engine that people run.

python -m exporter.batch --model models/sentiment --input 'in/*.jsonl' --output out/scores \
    --signature labels
"""

import json
import os
import signal
import sys
from collections.abc import Sequence

from bert.errors import UserError
from bert.tensorflow_import import import_tensorflow_quietly
from exporter.batch.options import parse


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the job; the exit code: 0 if it ended and a row has an answer or there was none."""
    # A plain SIGTERM would skip the clean-up beside --output.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    # Worker processes inherit it.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        options, beam_flags = parse(sys.argv[1:] if arguments is None else arguments)
        import_tensorflow_quietly()
        try:
            import pyarrow  # noqa: F401  # before Beam, which would go on without it

            from exporter.batch.running import run
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] not in ("apache_beam", "pyarrow"):
                raise
            raise UserError(
                "Batch scoring needs Apache Beam: install this package with its extra 'batch', "
                "pip install '.[batch]'."
            ) from None
        summary = run(options, beam_flags)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    print(json.dumps(summary, indent=2, ensure_ascii=False))
    if summary["failures"] and not summary["rows"]:
        print(f"No row has an answer: see {options.output}/failures-*.jsonl.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
