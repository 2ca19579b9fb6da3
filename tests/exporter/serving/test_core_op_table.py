from pathlib import Path

import pytest
import tensorflow as tf

from exporter.serving.core_op_table import (
    KERNEL,
    KERNEL_LABEL,
    OPS_WITH_KERNELS,
    CoreOpTable,
    kernel_name,
)
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
        found = {each for each in attributes if not each.startswith(KERNEL)}
        assert {attribute.name for attribute in registered.attr} == found, name
        assert bool(attributes - found) == (name in OPS_WITH_KERNELS)


def test_kernels_are_those_that_run() -> None:
    """The one of an int8 export is registered from 2.17 on, and no release had it before."""
    table = CoreOpTable.load()
    types = {"T1": "qint8", "T2": "qint8", "Tbias": "float32", "Tout": "float32", "U": "float32"}
    kernel = kernel_name(types)
    having = {
        release[:2]
        for release in table.releases
        if kernel in table.ops(release).get("_QuantizedMatMul", ())
    }
    assert having == {release[:2] for release in table.releases if release >= (2, 17)}
    other = kernel_name({**types, "T2": "quint8"})
    assert not any(
        other in table.ops(release).get("_QuantizedMatMul", ()) for release in table.releases
    )


def test_a_kernel_with_a_label() -> None:
    """The one of an int8 export for older servers, which none has without the label."""
    table, op = CoreOpTable.load(), "_MklQuantizedMatMulWithBias"
    types = {"T1": "quint8", "T2": "qint8", "Tbias": "qint32", "Toutput": "qint32"}
    for release in table.releases:
        kernels = table.ops(release)[op]
        assert kernel_name({**types, KERNEL_LABEL: "QuantizedMklOp"}) in kernels
        assert kernel_name(types) not in kernels


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
