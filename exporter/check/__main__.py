"""Says whether a TensorFlow Serving release loads and survives a SavedModel.

python -m exporter.check models/sentiment --target_serving 2.12.0
"""

import dataclasses
import json
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from absl import flags

from bert.command import flags as command_flags
from bert.command.options import option, require_valid
from bert.command.running import Command, end
from bert.errors import UserError
from bert.tensorflow_import import import_tensorflow_quietly
from exporter.check.limits import DEFAULT_TIMEOUT
from exporter.contract import GRAPH_FILES
from exporter.progress import waiting


@dataclasses.dataclass(frozen=True, kw_only=True)
class CheckOptions:
    """The flags of the command."""

    target_serving: str = option(
        "2.12.0", "oldest TensorFlow Serving that must run it; later ones count too"
    )
    timeout: float = option(
        DEFAULT_TIMEOUT,
        "seconds for the whole audit; loading has half of them, a request a tenth",
        least=1,
    )
    json: bool = option(False, "whether to print the report as JSON")


def define_flags(values: flags.FlagValues) -> None:
    """Defines the flags of the command."""
    command_flags.define_flags(CheckOptions, values)
    # So that flags may follow the directory.
    values.set_gnu_getopt(True)


def main(arguments: Sequence[str], values: flags.FlagValues) -> int:
    """Audits and prints.

    Returns:
      The exit code: 0 if nothing would stop or crash the server, else 1.
    """
    # A plain SIGTERM would leave the trial's process and its scratch directory.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        options = CheckOptions(**command_flags.given_options(CheckOptions, values))
        require_valid(options)
        directory = saved_model_directory(arguments[1:])
        with waiting("loading TensorFlow"):
            import_tensorflow_quietly()
            from exporter.check.audit import audit
            from exporter.serving.gate import target_release
            from exporter.serving.op_tables import OpTables

        tables = OpTables()
        target = target_release(options.target_serving, tables)
        with waiting(f"checking {directory}") as advance:
            report = audit(directory, target, tables, options.timeout, advance)
    except UserError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 128 + signal.SIGINT
    print(json.dumps(report.to_json(), indent=2) if options.json else report.to_text())
    return 0 if report.passes else 1


def saved_model_directory(arguments: Sequence[str]) -> Path:
    """The one directory among the arguments, or the newest version in it, as a server picks it.

    Raises:
      UserError: there is not exactly one argument, or it holds neither a SavedModel nor versions.
    """
    if len(arguments) != 1:
        raise UserError(
            f"One directory is expected, and {len(arguments)} are given: run "
            "python -m exporter.check DIR, with the directory of a SavedModel or of its versions."
        )
    directory = Path(arguments[0])
    if not directory.is_dir():
        raise UserError(f"{directory} is no directory: check the path.")
    if any((directory / name).exists() for name in GRAPH_FILES):
        return directory
    versions = [child for child in directory.iterdir() if re.fullmatch("[0-9]+", child.name)]
    if not versions:
        raise UserError(
            f"{directory} holds neither {GRAPH_FILES[0]} nor versions (children whose name "
            "is a number): give the directory of a SavedModel or of its versions."
        )
    return max(versions, key=lambda child: int(child.name))


def run() -> NoReturn:
    """The command."""
    command = Command(
        name="",
        summary="Tells whether a TensorFlow Serving release loads and survives a SavedModel.",
        usage="python -m exporter.check DIR [flags]",
        options=CheckOptions,
        define_flags=define_flags,
        main=main,
        examples=(
            "python -m exporter.check models/sentiment",
            "python -m exporter.check models/sentiment/1600000000 --target_serving 2.8.4 --json",
        ),
    )
    end(command.run())


if __name__ == "__main__":
    run()
