"""Runs a command: help, flags, one sentence about a mistake, and an end by Ctrl-C."""

import contextlib
import dataclasses
import difflib
import faulthandler
import os
import platform
import signal
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NoReturn

from absl import flags, logging

from bert.command.help import help_text

_VERSIONS_OF = (
    "bert-text-exporter",
    "tensorflow",
    "tensorflow-text",
    "tensorflow-serving-api",
    "numpy",
)

# absl's names for the same, which users of other programs know.
_HELP_FLAGS = ("help", "helpshort", "helpfull")


@dataclasses.dataclass(frozen=True, kw_only=True)
class Command:
    """A command: what its help says, its flags, and what it does."""

    name: str
    """the beginning of a sentence about a mistake, with ": ", or nothing"""

    summary: str
    usage: str
    examples: Sequence[str]

    options: Any
    """the options class whose fields are the flags"""

    define_flags: Callable[[flags.FlagValues], None]

    main: Callable[[Sequence[str], flags.FlagValues], int]
    """arguments with the program's name, values -> exit code"""

    passes_unknown_flags: bool = False
    """whether flags that are not the command's own are arguments of `main`, in their order"""

    def run(self) -> int:
        """Does what the command line asks for; the exit code."""
        # A crash in TensorFlow's C++ then shows where Python was.
        faulthandler.enable()
        logging.use_absl_handler()
        values = flags.FLAGS
        self.define_flags(values)
        _define_common_flags(values)
        try:
            arguments = values(sys.argv, known_only=self.passes_unknown_flags)
        # absl has no Error of its own for --noNAME=VALUE.
        except (flags.Error, ValueError) as error:
            print(f"{self.name}{_sentence(error, list(values))}", file=sys.stderr)
            return 1
        if any(values[name].value for name in _HELP_FLAGS):
            print(help_text(self.summary, self.usage, self.options, self.examples))
            return 0
        if values.version_info:
            print(versions())
            return 0
        try:
            return self.main(arguments, values)
        except KeyboardInterrupt:
            print(f"\n{self.name}stopped by Ctrl-C.", file=sys.stderr)
            return 128 + signal.SIGINT


def _sentence(error: Exception, names: Sequence[str]) -> str:
    """What is wrong with the command line, and the fix."""
    if not isinstance(error, flags.UnrecognizedFlagError):
        return f"{str(error).removeprefix('flag ').rstrip('.')}."
    near = difflib.get_close_matches(error.flagname, names, n=1)
    fix = f"give --{near[0]}, or see --help" if near else "see --help"
    return f"--{error.flagname} is not a flag of this command: {fix}."


def end(code: int) -> NoReturn:
    """Ends the process at once: to take TensorFlow's graphs apart would take seconds."""
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    os._exit(code)


def versions() -> str:
    """A line for Python and each library that an answer may depend on."""
    rows = {name: _installed_version(name) for name in _VERSIONS_OF}
    rows["Python"] = platform.python_version()
    return "\n".join(f"{name:<23} {text}" for name, text in rows.items())


def _installed_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _define_common_flags(values: flags.FlagValues) -> None:
    for name in _HELP_FLAGS:
        flags.DEFINE_bool(
            name,
            False,
            "Shows the help.",
            short_name="h" if name == "help" else None,
            flag_values=values,
        )
    flags.DEFINE_bool("version_info", False, "Shows versions.", flag_values=values)
