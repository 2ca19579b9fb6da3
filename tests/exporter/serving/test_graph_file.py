from pathlib import Path

import pytest
from google.protobuf import text_format
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from bert.errors import UserError
from exporter.serving.graph_file import read_serving_graph


def with_tags(*tags: list[str]) -> SavedModel:
    """A SavedModel with a graph for each list of tags; each graph has a node of its number."""
    saved_model = SavedModel()
    for number, names in enumerate(tags):
        meta_graph = saved_model.meta_graphs.add()
        meta_graph.meta_info_def.tags.extend(names)
        meta_graph.graph_def.node.add(name=str(number))
    return saved_model


def test_the_graph_that_a_server_loads(tmp_path: Path) -> None:
    saved_model = with_tags(["serve", "gpu"], ["train"], ["serve"])
    (tmp_path / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    assert read_serving_graph(tmp_path).graph_def.node[0].name == "2"


def test_the_text_form(tmp_path: Path) -> None:
    (tmp_path / "saved_model.pbtxt").write_text(text_format.MessageToString(with_tags(["serve"])))
    assert read_serving_graph(tmp_path).graph_def.node[0].name == "0"


@pytest.mark.parametrize("tags", [[], [["train"]], [["serve", "gpu"]], [[]]])
def test_no_graph_for_a_server(tmp_path: Path, tags: list[list[str]]) -> None:
    (tmp_path / "saved_model.pb").write_bytes(with_tags(*tags).SerializeToString())
    with pytest.raises(UserError, match=r"saved_model\.pb holds graphs with the tags .*'serve'"):
        read_serving_graph(tmp_path)


@pytest.mark.parametrize("name", ["saved_model.pb", "saved_model.pbtxt"])
@pytest.mark.parametrize("content", [b"not a graph", b"\xff\xff\xff"])
def test_a_file_that_does_not_parse(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=f"{name} does not parse"):
        read_serving_graph(tmp_path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"saved_model\.pb cannot be read"):
        read_serving_graph(tmp_path)
