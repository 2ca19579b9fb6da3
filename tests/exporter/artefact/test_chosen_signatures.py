"""`--signatures`: those alone are exported, warmed up and optimised; all are verified."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from exporter import export
from exporter.contract import SERVING_DEFAULT
from exporter.report import ExportReport
from exporter.runtime.servable import Servable
from exporter.serving.graph_file import read_serving_graph
from tests.conftest import Signatures
from tests.tiny_model import LABELS, TinyModel

_TEXTS = np.array([b"the film is good", b"", b"not fun"], object)


@pytest.fixture(scope="module")
def report(tiny_model: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> ExportReport:
    export_dir = tmp_path_factory.mktemp("chosen") / "tiny"
    return export(tiny_model.prefix, export_dir, labels=LABELS, signatures=("labels", "text"))


def test_nothing_else_is_in_the_export(report: ExportReport, tiny_export: Path) -> None:
    assert set(report.signatures) == {SERVING_DEFAULT, "text", "labels"}
    servable = Servable(report.version_directory)
    called = {name for name, signature in servable.signatures.items() if signature.method_name}
    assert called == set(report.signatures)
    chosen, all_of_them = (
        len(read_serving_graph(directory).graph_def.library.function)
        for directory in (report.version_directory, tiny_export)
    )
    assert chosen < 0.8 * all_of_them


def test_answers_are_the_same(report: ExportReport, signatures: Signatures) -> None:
    servable = Servable(report.version_directory)
    for name in report.signatures:
        expected = signatures[name](text=tf.constant(list(_TEXTS)))
        for output, values in servable.predict(name, {"text": _TEXTS}).items():
            if values.dtype == object:
                np.testing.assert_array_equal(values, expected[output].numpy())
            else:
                np.testing.assert_allclose(values, expected[output].numpy(), rtol=0, atol=1e-6)


def test_the_summary_tells_what_each_costs_at_load(report: ExportReport) -> None:
    assert report.load is not None
    # `text` is `serving_default` by another name, which the server has then.
    assert set(report.load.signatures) == set(report.signatures) - {"text"}
    assert min(report.load.signatures.values()) > 0
    (line,) = (line for line in report.summary().splitlines() if "warm-up" in line)
    assert f"labels {report.load.signatures['labels']:.1f}" in line


def test_ids_were_compared_and_nothing_of_it_remains(report: ExportReport) -> None:
    assert report.verification is not None
    assert report.verification.texts_with_equal_ids > 0
    assert list(report.version_directory.parent.iterdir()) == [report.version_directory]


def test_features_alone(tiny_model: TinyModel, tmp_path: Path) -> None:
    """A summary without a request for text, which the export would refuse."""
    report = export(
        tiny_model.prefix,
        tmp_path / "served",
        signatures=("features",),
        default_signature="features",
        warmup=False,
    )
    assert set(report.signatures) == {SERVING_DEFAULT, "features"}
    assert "curl" not in report.summary()
