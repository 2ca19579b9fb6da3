"""Fields: one object of a configuration file, read by type and refused in one wording."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bert.config import BertConfig, expectation
from bert.errors import UserError

CORRECT = "correct the file"
NO_EXPORT = "such a model cannot be exported"
NO_TOKENIZER_EXPORT = "such a tokenizer cannot be exported"

# A number that an int32 holds.
_LARGEST_COUNT = 2**31 - 1

# What a clone without Git LFS has in place of a file.
_GIT_LFS_POINTER = "version https://git-lfs"

_Value = TypeVar("_Value")


class Fields:
    """The fields of an object, by name.

    null is read as a field that is not there where a method may answer None. Numbers are
    bounded, so that NaN, infinity and sizes that no machine has are refused.
    `Fields(Path("config.json"), {"size": 0}).count("size")` raises "config.json: size is 0,
    where an integer from 1 to 2147483647 is expected: correct the file."
    """

    def __init__(self, file: Path, values: Mapping[str, Any], path: str = "") -> None:
        """Takes the fields of the object that `path`, `a.b.` or nothing, leads to in `file`."""
        self.file = file
        self.values = values
        self._path = path

    @classmethod
    def of_json(cls, file: Path) -> "Fields":
        """The object that a JSON file holds.

        Raises:
          UserError: the file cannot be read, is not JSON, or holds something else.
        """
        return cls(file, _read_json(file, dict, "an object"))

    @classmethod
    def of_json_if_any(cls, file: Path) -> "Fields":
        """The object that a JSON file holds, without fields where there is no file.

        Raises:
          UserError: as in `of_json`.
        """
        return cls.of_json(file) if file.is_file() else cls(file, {})

    def error(self, name: str, expected: str, fix: str = CORRECT) -> UserError:
        """That a field has not the value that is expected."""
        found = repr(self.values[name]) if name in self.values else "missing"
        return UserError.of(f"{self.file}: {self._path}{name}", found, expected, fix)

    def flag(self, name: str) -> bool | None:
        """True or false, None where the file does not say.

        Raises:
          UserError: it is something else.
        """
        value = self.values.get(name)
        if value is not None and not isinstance(value, bool):
            raise self.error(name, "true or false")
        return value

    def required_flag(self, name: str) -> bool:
        """True or false.

        Raises:
          UserError: it is something else, or not there.
        """
        value = self.flag(name)
        if value is None:
            raise self.error(name, "true or false")
        return value

    def word(self, name: str) -> str | None:
        """A string, None where the file does not say.

        Raises:
          UserError: it is something else.
        """
        value = self.values.get(name)
        if value is not None and not isinstance(value, str):
            raise self.error(name, "a word")
        return value

    def choice(
        self,
        name: str,
        words: Mapping[str, _Value],
        default: str,
        fix: str = NO_EXPORT,
        null: bool = False,
    ) -> _Value:
        """What one of several words stands for; `default` where the field is not there.

        `null` says whether null stands for the default.

        Raises:
          UserError: it is another word, or none; the error ends with `fix`.
        """
        word = self.values.get(name, default)
        if null and word is None:
            word = default
        if not isinstance(word, str) or word not in words:
            raise self.error(name, f"one of {', '.join(words)}", fix)
        return words[word]

    def count(self, name: str, most: int = _LARGEST_COUNT) -> int | None:
        """An integer from 1 to `most`, None where the file does not say.

        Raises:
          UserError: it is something else.
        """
        value = self.values.get(name)
        if value is not None and not (type(value) is int and 1 <= value <= most):
            raise self.error(name, f"an integer from 1 to {most}")
        return value

    def section(self, name: str, fix: str | None = None) -> "Fields":
        """The object that a field holds; without fields where there is none and no `fix`.

        Raises:
          UserError: it is something else, or not there; the error ends with `fix`.
        """
        value = self.values.get(name)
        if value is None and fix is None:
            value = {}
        if not isinstance(value, dict):
            raise self.error(name, "a mapping", fix or CORRECT)
        return Fields(self.file, value, f"{self._path}{name}.")

    def objects(self, name: str) -> "list[Fields]":
        """The objects of the list that a field holds, none where the field is not there.

        Raises:
          UserError: it is something else.
        """
        value = self.values.get(name)
        if value is not None and not isinstance(value, list):
            raise self.error(name, "a list")
        found = []
        for index, item in enumerate(value or []):
            place = f"{self._path}{name}[{index}]"
            if not isinstance(item, dict):
                raise UserError.of(f"{self.file}: {place}", repr(item), "an object", CORRECT)
            found.append(Fields(self.file, item, f"{place}."))
        return found

    def require(
        self, expected: Mapping[str, object], fix: str = NO_EXPORT, null: bool = False
    ) -> None:
        """Makes sure that fields have the one value that is built, or are not there.

        `null` says whether null stands for that value.

        Raises:
          UserError: one of them has another value; the error ends with `fix`.
        """
        for name, value in expected.items():
            found = self.values.get(name, value)
            if found != value and not (null and found is None):
                raise self.error(name, f"BERT's {value!r}", fix)

    def bert_config(self, names: Sequence[tuple[str, str, Any]], **others: Any) -> BertConfig:
        """A configuration from fields, each as (the file's name, `BertConfig`'s, default).

        Raises:
          UserError: a value is none that `BertConfig` can have.
        """
        values = {}
        for name, ours, default in names:
            value = values[ours] = self.values.get(name, default)
            expected = expectation(ours, value)
            if expected is not None:
                raise self.error(name, expected)
        try:
            return BertConfig(**values, **others)
        except ValueError as error:
            raise UserError(f"{self.file}: {error}: {CORRECT}.") from error


def read_json_list(file: Path) -> Sequence[Any]:
    """Reads a JSON file that holds one list.

    Raises:
      UserError: the file cannot be read, is not JSON, or holds something else.
    """
    return _read_json(file, list, "a list")


def _read_json(file: Path, expected: type, expected_words: str) -> Any:
    try:
        text = file.read_text(encoding="utf-8-sig")
        if text.startswith(_GIT_LFS_POINTER):
            raise UserError(
                f"{file} is a pointer of Git LFS, not the file: fetch it with `git lfs pull`."
            )
        content = json.loads(text)
    except OSError as error:
        raise UserError(f"{file} cannot be read ({error.strerror}): check the path.") from error
    # Lists in lists in lists end the parser's recursion.
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file} is not JSON ({error}): correct or replace the file.") from error
    if not isinstance(content, expected):
        raise UserError(
            f"{file} holds a JSON {type(content).__name__}, where {expected_words} is expected: "
            "correct or replace the file."
        )
    return content
