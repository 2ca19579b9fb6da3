"""Which signatures of int8 keep packed copies of weights: the default and the named ones."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from tensorflow.core.framework.attr_value_pb2 import AttrValue

from bert.encoder.precision import INT8, INT8_SUMS, PRECISIONS
from exporter import export
from exporter.runtime.servable import Servable
from exporter.serving.graph_file import read_serving_graph
from tests.tiny_model import LABELS, TinyModel


@pytest.fixture(scope="module", params=["2.17.0", "2.12.0"])
def exports(
    request: pytest.FixtureRequest,
    tiny_model: TinyModel,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """Of all signatures, and of two that are named, by the op of newer servers and of older."""
    scratch = tmp_path_factory.mktemp("packed")
    chosen: dict[str, Sequence[str] | None] = {"all": None, "named": ("text", "labels")}
    return {
        name: export(
            tiny_model.prefix,
            scratch / name,
            version=1,
            labels=LABELS,
            precision=INT8,
            target_serving=request.param,
            signatures=signatures,
            warmup=False,
            verify=False,
        ).version_directory
        for name, signatures in chosen.items()
    }


def test_all_signatures(exports: dict[str, Path]) -> None:
    kept = {name: _keeps_packed(exports["all"], name) for name in ("text", "labels", "features")}
    assert kept["text"] == {True, False}  # short rows of one length, and others
    assert kept["labels"] == kept["features"] == {False}


def test_named_signatures(exports: dict[str, Path]) -> None:
    assert _keeps_packed(exports["named"], "labels") == {True, False}


def test_answers_are_the_same(exports: dict[str, Path]) -> None:
    """Of one row, whose graph is the one that may keep them."""
    servable = Servable(exports["all"])
    texts = {"text": np.array([b"the film is very good"], object)}
    probabilities = servable.predict("text", texts)["probabilities"]
    scores = servable.predict("labels", texts)["scores"]
    np.testing.assert_allclose(np.sort(scores), np.sort(probabilities), rtol=0, atol=1e-6)


def _keeps_packed(directory: Path, signature: str) -> set[bool]:
    """What the products say that a signature may ask for."""
    graph = read_serving_graph(directory)
    functions = {function.signature.name: function for function in graph.graph_def.library.function}
    outputs = graph.signature_def[signature].outputs.values()
    asked = {output.name.partition(":")[0] for output in outputs}
    waiting = [node for node in graph.graph_def.node if node.name in asked]
    found: set[bool] = set()
    seen: set[str] = set()
    while waiting:
        node = waiting.pop()
        if node.op in (PRECISIONS[INT8].op, PRECISIONS[INT8_SUMS].op):
            # Values that an op has by default are not saved; this one is True.
            found.add("is_weight_const" not in node.attr or node.attr["is_weight_const"].b)
        for name in set(_functions_of(node.attr.values())) - seen:
            seen.add(name)
            waiting += functions[name].node_def
    return found


def _functions_of(attributes: Iterable[AttrValue]) -> Iterator[str]:
    for attribute in attributes:
        for function in (attribute.func, *attribute.list.func):
            if function.name:
                yield function.name
