"""The ops, and their attributes, that each TF Serving release can run.

The tables are package data: the TF-Text ops linked into each Serving release, and the core
ops that TensorFlow releases register. If the minor version of a Serving release lies between two
core tables, it counts as having an op when both neighbours have it.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from importlib import resources

from exporter.serving.core_op_table import Attributes, CoreOpTable
from exporter.serving.release import Release, parse_release


class OpTables:
    """The ops of every Serving release that the tables cover."""

    @cached_property
    def releases(self) -> list[Release]:
        """The releases that both tables cover, oldest first."""
        oldest_core = min(self._core_tables)
        return sorted(release for release in self._text_tables if release[:2] >= oldest_core)

    def lacking(
        self, op: str, releases: Iterable[Release], attributes: Collection[str] = ()
    ) -> list[Release]:
        """Those of `releases` that cannot run `op` with these attributes."""
        return [release for release in releases if not self._has(release, op, attributes)]

    def oldest_release(self, ops: Iterable[str] | Mapping[str, Collection[str]]) -> Release | None:
        """The oldest release from which on every release runs all `ops`, if there is one.

        A mapping gives the attributes that each op is used with.
        """
        attributes = ops if isinstance(ops, Mapping) else dict.fromkeys(ops, ())
        oldest = None
        for release in reversed(self.releases):
            if not all(self._has(release, op, names) for op, names in attributes.items()):
                break
            oldest = release
        return oldest

    def from_release_on(self, target: Release) -> list[Release]:
        """The covered releases that are not older than `target`."""
        return [release for release in self.releases if release >= target]

    def _has(self, release: Release, op: str, attributes: Collection[str]) -> bool:
        # The attributes of TF-Text's ops are not in the tables.
        if op in self._text_tables[release]:
            return True
        minors = sorted(self._core_tables)
        below = max((minor for minor in minors if minor <= release[:2]), default=None)
        above = min((minor for minor in minors if minor >= release[:2]), default=None)
        return all(
            minor is not None
            and op in self._core_tables[minor]
            and self._core_tables[minor][op].issuperset(attributes)
            for minor in (below, above)
        )

    @cached_property
    def _text_tables(self) -> Mapping[Release, frozenset[str]]:
        file = resources.files("exporter.serving") / "data" / "text_ops_by_serving_release.json"
        tables = json.loads(file.read_text(encoding="utf-8"))
        return {parse_release(name): frozenset(row["text_ops"]) for name, row in tables.items()}

    @cached_property
    def _core_tables(self) -> Mapping[Release, Mapping[str, Attributes]]:
        table = CoreOpTable.load()
        return {release[:2]: table.ops(release) for release in table.releases}
