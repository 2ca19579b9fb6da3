import pytest
import tensorflow as tf
from tensorflow_serving.apis.input_pb2 import Input

from exporter.preview.examples import examples_from_json
from exporter.runtime.replay import examples_from_input
from exporter.runtime.status import Code, StatusError


def only_example(document: dict[str, object]) -> tf.train.Example:
    (serialized,) = examples_from_json(document)
    return tf.train.Example.FromString(serialized)


@pytest.mark.parametrize(
    ("content", "kind", "values"),
    [
        ("é", "bytes_list", ["é".encode()]),
        (["a", {"b64": "/w=="}], "bytes_list", [b"a", b"\xff"]),
        (1, "int64_list", [1]),
        ([1, True, -(2**63)], "int64_list", [1, 1, -(2**63)]),
        ([1.5, 2e3], "float_list", [1.5, 2000.0]),
        ([], None, []),
    ],
)
def test_kinds_of_features(content: object, kind: str | None, values: list[object]) -> None:
    feature = only_example({"examples": [{"f": content}]}).features.feature["f"]
    assert feature.WhichOneof("kind") == kind
    if kind:
        assert list(getattr(feature, kind).value) == values


@pytest.mark.parametrize(
    "content",
    [None, [None], [["a"]], {"a": "b"}, ["a", 1], [1, 1.5], [2**63], [1e39], [{"b64": "@"}]],
)
def test_what_is_no_feature(content: object) -> None:
    with pytest.raises(StatusError) as error:
        examples_from_json({"examples": [{"f": content}]})
    assert error.value.code is Code.INVALID_ARGUMENT


@pytest.mark.parametrize("context", [None, [], "a"])
def test_what_is_no_context(context: object) -> None:
    with pytest.raises(StatusError):
        examples_from_json({"context": context, "examples": [{}]})


def test_context_is_added_to_every_example() -> None:
    document = {"context": {"c": "x"}, "examples": [{"f": 1}, {"f": 2}]}
    examples = [tf.train.Example.FromString(e) for e in examples_from_json(document)]
    assert [sorted(e.features.feature) for e in examples] == [["c", "f"], ["c", "f"]]


def test_examples_of_a_grpc_input() -> None:
    example = tf.train.Example()
    example.features.feature["f"].int64_list.value.append(3)
    plain, with_context = Input(), Input()
    plain.example_list.examples.append(example)
    with_context.example_list_with_context.examples.append(tf.train.Example())
    with_context.example_list_with_context.context.CopyFrom(example)
    for request_input in (plain, with_context):
        (serialized,) = examples_from_input(request_input)
        assert tf.train.Example.FromString(serialized) == example
    with pytest.raises(StatusError):
        examples_from_input(Input())
