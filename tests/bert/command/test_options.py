"""Options declared as fields: checks, flags, help and keywords made from them."""

import dataclasses
import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Generic

import pytest
from absl import flags

from bert.command.flags import define_flags, given_options
from bert.command.help import WIDTH, help_text
from bert.command.options import (
    File,
    StrPath,
    declared,
    option,
    options_of,
    require_valid,
    with_keywords,
    with_paths,
)
from bert.errors import UserError


@dataclasses.dataclass(frozen=True)
class Options(Generic[File]):
    model: StrPath = dataclasses.field(metadata=declared("the model", group="First"))
    _: dataclasses.KW_ONLY
    file: File | None = option(None, "a file", unset="none")
    words: Sequence[str] | None = option(None, "some words")
    size: int = option(3, "a size", least=1, most=9)
    share: float = option(0.5, "a share", least=0.0, fix="give a smaller one")
    colour: str = option("red", "a colour", choices=("red", "blue"))
    quiet: bool | None = option(None, "whether to be quiet", unset="inferred")
    callback: Any = option(None, "for Python alone", is_flag=False)


@dataclasses.dataclass(frozen=True)
class Inputs:
    files: Sequence[str] = dataclasses.field(metadata=declared("files"))


def parsed(*arguments: str) -> dict[str, Any]:
    values = flags.FlagValues()
    define_flags(Options, values)
    values(["program", *arguments])
    return given_options(Options, values)


def test_kinds_and_order() -> None:
    kinds = {each.name: each.kind for each in options_of(Options)}
    assert next(iter(kinds)) == "model"
    assert kinds == {
        "model": Path,
        "file": Path,
        "words": tuple,
        "size": int,
        "share": float,
        "colour": str,
        "quiet": bool,
        "callback": Any,
    }


def test_flags() -> None:
    defaults = {
        "model": None,
        "file": None,
        "words": None,
        "size": 3,
        "share": 0.5,
        "colour": "red",
        "quiet": None,
    }
    assert parsed() == defaults
    given = parsed("--model=m", "--words=a,b", "--size=4", "--share=1", "--noquiet", "--file=f")
    assert given == defaults | {
        "model": "m",
        "words": ["a", "b"],
        "size": 4,
        "share": 1.0,
        "quiet": False,
        "file": "f",
    }


@pytest.mark.parametrize(
    ("argument", "told"),
    [
        ("--size=many", "--size=many: a whole number is expected"),
        ("--size=1.5", "--size=1.5: a whole number is expected"),
        ("--share=half", "--share=half: a number is expected"),
        ("--quiet=maybe", "--quiet=maybe: true or false is expected"),
    ],
)
def test_values_of_another_kind(argument: str, told: str) -> None:
    with pytest.raises(flags.IllegalFlagValueError, match=told):
        parsed(argument)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (Options(""), "--model is missing: give it, as --model=PATH."),
        (Options("m", size=0), "--size is 0, where a number from 1 to 9 is expected: give such a"),
        (Options("m", size=10), "--size is 10, where"),
        (
            Options("m", share=-1.0),
            "--share is -1.0, where a number of at least 0.0 is expected: give a smaller one.",
        ),
        (
            Options("m", colour="green"),
            "--colour is 'green', where one of red, blue is expected: give one of these.",
        ),
        (Options("m", colour=""), "--colour is '', where one of"),
    ],
)
def test_require_valid(options: Options[str], sentence: str) -> None:
    require_valid(Options("m"))
    with pytest.raises(UserError) as error:
        require_valid(options)
    assert str(error.value).startswith(sentence)


def test_a_required_list() -> None:
    require_valid(Inputs(["a", "b"]))
    with pytest.raises(UserError, match=r"--files is missing: give it, as --files=A,B\."):
        require_valid(Inputs([]))


def test_paths() -> None:
    options = with_paths(Options("m", file="f", words=["a"]))
    assert (options.model, options.file, options.words) == (Path("m"), Path("f"), ["a"])
    assert with_paths(Options("m")).file is None


def test_keywords() -> None:
    def _show(options: Options[Any]) -> str:
        """Shows.

        Args:

        Returns:
          Something.
        """
        return f"{options.model} {options.size}"

    show = with_keywords(Options[StrPath], _show)
    assert show("m", size=5) == "m 5"
    assert show(model="m") == "m 3"
    with pytest.raises(TypeError, match="sise"):
        show("m", sise=5)  # type: ignore[call-arg]
    parameters = inspect.signature(show).parameters
    assert list(parameters) == [field.name for field in dataclasses.fields(Options)]
    assert parameters["model"].kind == inspect.Parameter.POSITIONAL_OR_KEYWORD
    assert parameters["size"].kind == inspect.Parameter.KEYWORD_ONLY
    assert parameters["size"].default == 3
    assert parameters["file"].annotation == StrPath | None
    assert show.__doc__ is not None
    assert "  colour: A colour: red, blue. Default: red.\n" in show.__doc__
    assert show.__doc__.endswith("Returns:\n  Something.")


def test_help_names_everything() -> None:
    text = help_text("Does it.", "program [flags]", Options, ["program --model m"])
    assert max(map(len, text.splitlines())) <= WIDTH
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert lines.index("First:") < lines.index("--model PATH The model. Required.")
    for line in (
        "--file PATH A file. Default: none.",
        "--words A,B Some words.",
        "--size N A size. Default: 3.",
        "--share NUMBER A share. Default: 0.5.",
        "--colour NAME A colour: red, blue. Default: red.",
        "--[no]quiet Whether to be quiet. Default: inferred.",
        "program --model m",
    ):
        assert line in lines
    assert "callback" not in text
