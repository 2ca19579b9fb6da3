"""Which ops a TensorFlow Serving release can run.

The tables are package data: the TF-Text ops linked into each Serving release, and the
core ops that TensorFlow releases register. A Serving release whose minor version lies
between two core tables counts as having an op when both neighbours have it.
"""

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from importlib import resources

Release = tuple[int, ...]


def parse_release(text: str) -> Release:
    """`2.12` or `2.12.0` -> (2, 12, 0).

    Raises:
      ValueError: something else.
    """
    numbers = [int(part) for part in text.split(".")]
    if not 2 <= len(numbers) <= 3 or any(number < 0 for number in numbers):
        raise ValueError(f"{text!r} is not a release such as 2.12.0")
    return (*numbers, 0)[:3]


def format_release(release: Release) -> str:
    """(2, 12, 0) -> `2.12.0`."""
    return ".".join(map(str, release))


class OpTables:
    """The ops of every Serving release that the tables cover."""

    @cached_property
    def releases(self) -> list[Release]:
        """The releases, oldest first, that both tables cover."""
        oldest_core = min(self._core_tables)
        return sorted(release for release in self._text_tables if release[:2] >= oldest_core)

    def lacking(self, op: str, releases: Iterable[Release]) -> list[Release]:
        """Those of `releases` that cannot run `op`."""
        return [release for release in releases if not self._has(release, op)]

    def oldest_release(self, ops: Iterable[str]) -> Release | None:
        """The oldest release from which on every release runs all `ops`, if there is one."""
        ops = set(ops)
        oldest = None
        for release in reversed(self.releases):
            if not all(self._has(release, op) for op in ops):
                break
            oldest = release
        return oldest

    def from_release_on(self, target: Release) -> list[Release]:
        """The covered releases that are not older than `target`."""
        return [release for release in self.releases if release >= target]

    def _has(self, release: Release, op: str) -> bool:
        if op in self._text_tables[release]:
            return True
        minors = sorted(self._core_tables)
        below = max((minor for minor in minors if minor <= release[:2]), default=None)
        above = min((minor for minor in minors if minor >= release[:2]), default=None)
        return all(minor is not None and op in self._core_tables[minor] for minor in (below, above))

    @cached_property
    def _text_tables(self) -> Mapping[Release, frozenset[str]]:
        tables = _read("text_ops_by_serving_release.json")
        return {parse_release(name): frozenset(row["text_ops"]) for name, row in tables.items()}

    @cached_property
    def _core_tables(self) -> Mapping[Release, frozenset[str]]:
        tables = _read("core_ops_by_tensorflow_release.json")
        return {parse_release(name)[:2]: frozenset(ops) for name, ops in tables.items()}


def _read(name: str) -> dict:
    file = resources.files("exporter.serving") / "data" / name
    return json.loads(file.read_text(encoding="utf-8"))
