"""The export holds nothing of the machine and the TensorFlow that wrote it."""

import sys
import tempfile
from pathlib import Path

from tensorflow.core.framework.node_def_pb2 import NodeDef
from tensorflow.python.framework import op_def_registry

from exporter.serving.graph_file import read_serving_graph
from exporter.text.registration import register_text_ops
from tests.repository import ROOT
from tests.tiny_model import TinyModel


def nodes(directory: Path) -> list[NodeDef]:
    graph = read_serving_graph(directory).graph_def
    return [*graph.node, *(node for body in graph.library.function for node in body.node_def)]


def test_no_path_of_this_machine(tiny_export: Path, tiny_model: TinyModel) -> None:
    places = {tempfile.gettempdir(), str(tiny_export.parent), str(tiny_model.directory)}
    places |= {str(ROOT), sys.prefix, str(Path.home())}
    for file in tiny_export.rglob("*.pb"):
        content = file.read_bytes()
        assert not [place for place in places if place.encode() in content], file


def test_default_attributes_are_stripped(tiny_export: Path) -> None:
    """An attribute that is not there cannot be unknown to an older server."""
    register_text_ops()
    assert read_serving_graph(tiny_export).meta_info_def.stripped_default_attrs
    written = nodes(tiny_export)
    assert len(written) > 1000
    for node in written:
        definition = op_def_registry.get(node.op)
        for attribute in definition.attr if definition else ():
            if attribute.HasField("default_value") and attribute.name in node.attr:
                assert node.attr[attribute.name] != attribute.default_value, (node.name, attribute)
