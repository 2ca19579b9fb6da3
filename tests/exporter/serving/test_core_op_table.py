from pathlib import Path

import pytest
import tensorflow as tf

from exporter.serving.core_op_table import CoreOpTable
from exporter.serving.release import parse_release
from tests.repository import ROOT


@pytest.fixture(scope="module")
def table() -> CoreOpTable:
    return CoreOpTable.load()


def test_every_minor_release_was_read(table: CoreOpTable) -> None:
    assert [release[:2] for release in table.releases] == [(2, minor) for minor in range(5, 22)]


def test_it_says_what_tensorflow_registers(table: CoreOpTable) -> None:
    """Of the release that is installed."""
    from tensorflow.python.framework import op_def_registry

    release = parse_release(tf.__version__)
    assert release in table.releases, f"run scripts/build_op_tables {tf.__version__}"
    ops = table.ops(release)
    assert len(ops) > 1800
    for name, attributes in ops.items():
        registered = op_def_registry.get(name)
        assert registered is not None, name
        assert {attribute.name for attribute in registered.attr} == attributes, name


def test_saving_and_loading(table: CoreOpTable, tmp_path: Path) -> None:
    table.save(tmp_path)
    for name in ("core_ops_by_tensorflow_release.json", "core_op_attributes.json"):
        shipped = ROOT / "exporter" / "serving" / "data" / name
        assert (tmp_path / name).read_bytes() == shipped.read_bytes()


def test_merging(tmp_path: Path) -> None:
    """In any order, and once more over what was there."""
    rows = {
        (2, 5, 3): {"A": ["x"], "Gone": []},
        (2, 8, 4): {"A": ["x"]},
        (2, 12, 0): {"A": ["x", "y"], "New": ["z"]},
        (2, 20, 0): {"A": ["x"], "New": ["z"]},
    }
    table = CoreOpTable({})
    for release in [(2, 12, 0), (2, 5, 3), (2, 20, 0), (2, 8, 4), (2, 12, 0)]:
        table = table.merged(release, {"Wrong": []}).merged(release, rows[release])
        table.save(tmp_path)
        table = CoreOpTable.load(tmp_path)
    assert table.releases == sorted(rows)
    for release, ops in rows.items():
        assert table.ops(release) == {op: frozenset(names) for op, names in ops.items()}
