"""Options, declared once: the fields of a frozen dataclass carry their help, choices and bounds.

    @dataclasses.dataclass(frozen=True, kw_only=True)
    class SearchOptions:
        top_k: int | None = option(None, "how many labels are returned", unset="all", least=1)

Flags and `--help` (flags.py, help.py), the checks (`require_valid`) and the signature and
docstring of a function with these keywords (`with_keywords`) are made from the fields.
"""

import dataclasses
import inspect
import os
import textwrap
import typing
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, cast

from bert.errors import UserError

StrPath = str | os.PathLike[str]

File = TypeVar("File", bound=StrPath, covariant=True)
"""the type of a field that names a file: `StrPath` as users give it, `Path` as it is read"""

T = TypeVar("T")
R = TypeVar("R")
P = ParamSpec("P")

_KEY = "declaration"
_PLACEHOLDERS = {bool: "", int: "N", float: "NUMBER", str: "NAME", tuple: "A,B", Path: "PATH"}
_DOCSTRING_WIDTH = 88


@dataclasses.dataclass(frozen=True, kw_only=True)
class Declaration:
    """All that a field says of its option, besides name, type and default."""

    help: str
    """a phrase without a capital letter or a full stop"""

    group: str = ""
    """the heading under which `--help` lists it"""

    unset: str = ""
    """the meaning of None, such as "beside the checkpoint" """

    choices: Sequence[str] = ()
    least: float | None = None
    most: float | None = None

    fix: str = ""
    """the last words of the sentence about a wrong value"""

    is_flag: bool = True
    """whether the command has it too; otherwise it is for Python alone"""


def declared(help: str, **facts: Any) -> dict[str, Declaration]:
    """The metadata of a field that is an option; `facts` are the fields of `Declaration`."""
    return {_KEY: Declaration(help=help, **facts)}


def option(default: T, help: str, **facts: Any) -> T:
    """A field with a default; `facts` are the fields of `Declaration`."""
    return dataclasses.field(default=default, metadata=declared(help, **facts))


@dataclasses.dataclass(frozen=True)
class Option:
    """One option of an options class."""

    name: str
    kind: type
    """bool, int, float, str, Path for a file, or tuple for a list of words"""

    default: Any
    """`dataclasses.MISSING` where the option is required"""

    declared: Declaration

    @property
    def is_required(self) -> bool:
        """Whether it has no default."""
        return self.default is dataclasses.MISSING

    @property
    def placeholder(self) -> str:
        """What stands for a value in a command line; nothing for a switch."""
        return _PLACEHOLDERS[self.kind]

    def describe(self) -> str:
        """Its help with choices and default, as one sentence or more."""
        declared, default = self.declared, self.default
        sentence = declared.help[0].upper() + declared.help[1:]
        if declared.choices:
            sentence += f": {', '.join(declared.choices)}"
        if self.is_required:
            return f"{sentence}. Required."
        if default is None or declared.unset:
            return f"{sentence}. Default: {declared.unset}." if declared.unset else f"{sentence}."
        shown = {True: "yes", False: "no"}[default] if self.kind is bool else default
        return f"{sentence}. Default: {shown}."


def options_of(options_class: Any) -> list[Option]:
    """The declared options of a dataclass, required ones first."""
    origin = typing.get_origin(options_class) or options_class
    options = [
        Option(field.name, _kind(field.type), field.default, field.metadata[_KEY])
        for field in dataclasses.fields(origin)
        if _KEY in field.metadata
    ]
    return sorted(options, key=lambda each: not each.is_required)


def require_valid(options: Any) -> None:
    """Checks every option of an options value against its declaration.

    Raises:
      UserError: one is missing, is none of its choices or is out of bounds.
    """
    for each in options_of(type(options)):
        value, declared = getattr(options, each.name), each.declared
        if each.is_required and not value:
            raise UserError(
                f"--{each.name} is missing: give it, as --{each.name}={each.placeholder}."
            )
        if value is None:
            continue
        if declared.choices and value not in declared.choices:
            raise UserError(
                f"--{each.name} is {value!r}, where one of {', '.join(declared.choices)} is "
                f"expected: {declared.fix or 'give one of these'}."
            )
        if not _is_within(value, declared.least, declared.most):
            raise UserError(
                f"--{each.name} is {value}, where {_range(declared)} is expected: "
                f"{declared.fix or 'give such a number'}."
            )


def with_paths(options: Any) -> Any:
    """The same options value, with every file as a `Path`."""
    files = [each.name for each in options_of(type(options)) if each.kind is Path]
    given = {name: getattr(options, name) for name in files}
    paths = {name: None if value is None else Path(value) for name, value in given.items()}
    return dataclasses.replace(options, **paths)


def with_keywords(options_class: Callable[P, Any], function: Callable[[Any], R]) -> Callable[P, R]:
    """A function whose arguments are the fields of an options class.

    Args:
      options_class: the dataclass; a type checker takes the signature from it.
      function: takes an options value. A line "Args:" in its docstring is followed by a list of
        the options.
    """

    def call(*arguments: P.args, **keywords: P.kwargs) -> R:
        return function(options_class(*arguments, **keywords))

    call.__name__ = call.__qualname__ = function.__name__.lstrip("_")
    call.__module__ = function.__module__
    call.__doc__ = _with_options_listed(inspect.getdoc(function) or "", options_class)
    vars(call)["__signature__"] = _signature(options_class, function)
    return call


def _signature(options_class: Any, function: Callable[[Any], Any]) -> inspect.Signature:
    """The options as parameters, with files as users may give them."""
    signature = inspect.signature(typing.get_origin(options_class) or options_class)
    parameters = [
        parameter.replace(annotation=_for_users(parameter.annotation))
        for parameter in signature.parameters.values()
    ]
    returned = inspect.signature(function).return_annotation
    return signature.replace(parameters=parameters, return_annotation=returned)


def _for_users(annotation: Any) -> Any:
    if annotation is File:
        return StrPath
    return annotation[StrPath] if getattr(annotation, "__parameters__", ()) else annotation


def _with_options_listed(docstring: str, options_class: Any) -> str:
    lines = []
    for line in docstring.splitlines():
        lines.append(line)
        if line == "Args:":
            lines += _listed(options_class)
    return "\n".join(lines)


def _listed(options_class: Any) -> Iterator[str]:
    for each in options_of(options_class):
        yield from textwrap.wrap(
            f"{each.name}: {each.describe()}",
            _DOCSTRING_WIDTH,
            initial_indent="  ",
            subsequent_indent="    ",
        )


def _kind(annotation: Any) -> type:
    """The type of an option's values, None left out."""
    given = [part for part in typing.get_args(annotation) if part is not type(None)]
    if typing.get_origin(annotation) is not None and len(given) == 1 and _takes_none(annotation):
        return _kind(given[0])
    if annotation is File or annotation == StrPath:
        return Path
    if typing.get_origin(annotation) in (Sequence, tuple):
        return tuple
    return cast(type, annotation)


def _takes_none(annotation: Any) -> bool:
    return type(None) in typing.get_args(annotation)


def _is_within(value: Any, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _range(declared: Declaration) -> str:
    if declared.most is None:
        return f"a number of at least {declared.least}"
    return f"a number from {declared.least} to {declared.most}"
