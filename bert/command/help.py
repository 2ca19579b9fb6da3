"""The text of `--help`, made from declared options."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from bert.command.options import Option, options_of

WIDTH = 100
_NAME_WIDTH = 28

# The options that every command has.
_COMMON = (
    ("-h, --help", "Shows this text."),
    ("--version_info", "Shows the versions of this package and of its libraries."),
    ("--flagfile PATH", "Reads flags from a file, one a line."),
)


def help_text(summary: str, usage: str, options_class: Any, examples: Sequence[str]) -> str:
    """The help of a command, at most WIDTH columns wide.

    Args:
      summary: a sentence or more about the command.
      usage: a command line in outline.
      options_class: its options, listed under the headings that they name.
      examples: command lines that work; each line at most WIDTH - 2 columns.
    """
    groups: dict[str, list[tuple[str, str]]] = {}
    for option in options_of(options_class):
        if option.declared.is_flag:
            heading = option.declared.group or "Flags"
            groups.setdefault(heading, []).append((_flag(option), option.describe()))
    groups.setdefault("Help", []).extend(_COMMON)
    parts = ["\n".join(textwrap.wrap(summary, WIDTH, break_on_hyphens=False)), f"Usage: {usage}"]
    parts += [f"{heading}:\n" + "\n".join(_rows(rows)) for heading, rows in groups.items()]
    parts.append("Examples:\n" + "\n".join(f"  {example}" for example in examples))
    return "\n\n".join(parts)


def _flag(option: Option) -> str:
    prefix = "[no]" if option.kind is bool else ""
    return f"--{prefix}{option.name} {option.placeholder}".rstrip()


def _rows(rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    """Two columns: `--task NAME` and what it says."""
    indent = " " * _NAME_WIDTH
    for name, text in rows:
        first = f"  {name}".ljust(_NAME_WIDTH)
        if not first.endswith(" "):
            yield first
            first = indent
        yield from textwrap.wrap(
            text,
            WIDTH,
            initial_indent=first,
            subsequent_indent=indent,
            break_on_hyphens=False,
        )
