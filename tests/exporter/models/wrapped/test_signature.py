"""Which signature of a SavedModel takes features, and how."""

import pytest
import tensorflow as tf
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from bert.errors import UserError
from exporter.models.wrapped.signature import FeatureSignature, find_signature
from tests.exporter.models.wrapped.saved_models import HUB, HUGGING_FACE, RECIPE


def signature_def(
    names: tuple[str, ...],
    shape: list[int | None] | None = None,
    dtype: tf.DType = tf.int32,
    label_ids: bool = False,
) -> SignatureDef:
    definition = SignatureDef()
    for name in names:
        info = definition.inputs[name]
        info.name, info.dtype = f"{name}_1:0", dtype.as_datatype_enum
        info.tensor_shape.CopyFrom(tf.TensorShape(shape or [None, None]).as_proto())
    if label_ids:
        info = definition.inputs["label_ids"]
        info.name, info.dtype = "label_ids_1:0", tf.int32.as_datatype_enum
        info.tensor_shape.CopyFrom(tf.TensorShape([None]).as_proto())
    for name, output in (("probabilities", tf.float32), ("classes", tf.string)):
        definition.outputs[name].name = f"{name}:0"
        definition.outputs[name].dtype = output.as_datatype_enum
    return definition


def find(**signatures: SignatureDef) -> FeatureSignature:
    return find_signature(signatures, "model")


@pytest.mark.parametrize("names", [RECIPE, HUB, HUGGING_FACE])
def test_names(names: tuple[str, ...]) -> None:
    found = find(serving_default=signature_def(names))
    assert [found.inputs[meaning].name for meaning in RECIPE] == list(names)
    assert found.length is None
    assert found.outputs == {"probabilities": "probabilities:0"}, "floats only"


def test_the_recipe() -> None:
    found = find(serving_default=signature_def(RECIPE, [None, 256], label_ids=True))
    assert found.length == 256
    assert set(found.inputs) == {*RECIPE, "label_ids"}
    assert found.inputs["label_ids"].tensor == "label_ids_1:0"


def test_types() -> None:
    found = find(serving_default=signature_def(HUB, dtype=tf.int64))
    assert {given.dtype for given in found.inputs.values()} == {tf.int64}


def test_the_default_comes_first() -> None:
    other = signature_def(RECIPE, [None, 8])
    found = find(a=other, serving_default=signature_def(RECIPE, [None, 9]))
    assert (found.name, found.length) == ("serving_default", 9)


def test_the_only_one_that_fits() -> None:
    text = signature_def(("text",))
    assert find(serving_default=text, features=signature_def(RECIPE)).name == "features"


def test_unknown_rank() -> None:
    definition = signature_def(RECIPE)
    for info in definition.inputs.values():
        info.tensor_shape.Clear()
        info.tensor_shape.unknown_rank = True
    assert find(serving_default=definition).length is None


def refused(*told: str, **signatures: SignatureDef) -> None:
    with pytest.raises(UserError) as error:
        find(**signatures)
    for part in told:
        assert part in str(error.value)


def test_no_signature_fits() -> None:
    refused("it has none")
    refused("serving_default takes text", serving_default=signature_def(("text",)))
    unknown = signature_def((*RECIPE, "is_training"))
    refused("is_training", "and nothing else", serving_default=unknown)
    refused("input_ids", serving_default=signature_def(RECIPE[:2]))
    twice = signature_def((*RECIPE, "input_word_ids"))
    refused("input_word_ids", serving_default=twice)


def test_several_fit() -> None:
    refused("a, b", "serving_default", a=signature_def(RECIPE), b=signature_def(HUB))


@pytest.mark.parametrize(
    ("shape", "dtype", "told"),
    [
        ([None, 8], tf.float32, "float32 [any, 8]"),
        ([4, 8], tf.int32, "int32 [4, 8]"),
        ([None], tf.int32, "int32 [any]"),
        ([None, 8, 8], tf.int64, "int64 [any, 8, 8]"),
    ],
)
def test_inputs_that_cannot_be_filled(shape: list[int | None], dtype: tf.DType, told: str) -> None:
    refused(told, "input_ids", serving_default=signature_def(RECIPE, shape, dtype))


def test_lengths_that_differ() -> None:
    definition = signature_def(RECIPE, [None, 8])
    definition.inputs["segment_ids"].tensor_shape.dim[1].size = 9
    refused("segment_ids 9", "input_ids 8", serving_default=definition)
