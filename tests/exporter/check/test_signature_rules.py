"""Rules for signatures, and the requests made for them."""

import pytest
from google.protobuf import text_format
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef

from exporter.check.requests import requests
from exporter.check.signature_rules import signature_findings


def signature(text: str) -> SignatureDef:
    return text_format.Parse(text, SignatureDef())


_STRINGS = """
inputs {
  key: "inputs"
  value { name: "x:0" dtype: DT_STRING tensor_shape { dim { size: -1 } } }
}
"""


_CLASSIFY = 'method_name: "tensorflow/serving/classify"'


_REGRESS = 'method_name: "tensorflow/serving/regress"'


def output(name: str, dtype: str, *sizes: int) -> str:
    dimensions = " ".join(f"dim {{ size: {size} }}" for size in sizes)
    return (
        f'outputs {{ key: "{name}" value {{ name: "y:0" dtype: {dtype} '
        f"tensor_shape {{ {dimensions} }} }} }}"
    )


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([output("y", "DT_FLOAT", -1, 2)], []),
        ([output("y", "DT_HALF", -1)], ["'y' is float16, which REST"]),
        ([output("y", "DT_BFLOAT16", -1)], ["'y' is bfloat16, which REST"]),
        ([output("y", "DT_COMPLEX64", -1)], ["'y' is complex64, which REST"]),
        ([output("y", "DT_FLOAT")], ["'y' is a scalar"]),
        ([output("y", "DT_STRING", 2)], ["'y' has always 2 rows"]),
        ([], ["no outputs"]),
        (['outputs { key: "y" value { composite_tensor { } } }'], ["no dense tensor"]),
        ([_CLASSIFY, output("scores", "DT_FLOAT", -1, 2)], []),
        ([_CLASSIFY, output("scores", "DT_FLOAT", -1)], ["'scores' is float32 of rank 1"]),
        ([_CLASSIFY, output("scores", "DT_DOUBLE", -1, 2)], ["'scores' is float64"]),
        ([_CLASSIFY, output("logits", "DT_FLOAT", -1, 2)], ["classes and scores"]),
        ([_REGRESS, output("outputs", "DT_FLOAT", -1)], []),
        ([_REGRESS, output("outputs", "DT_FLOAT", -1, 1)], []),
        ([_REGRESS, output("outputs", "DT_FLOAT", -1, 1, 1)], ["of rank 3"]),
        ([output("outputs", "DT_FLOAT", -1)], ["--enable_signature_method_name_check"]),
        (
            [output("classes", "DT_STRING", 2)],
            ["always 2 rows", "of rank 1", "--enable_signature_method_name_check"],
        ),
    ],
)
def test_rules_for_signatures(parts: list[str], told: list[str]) -> None:
    messages = [f.message for f in signature_findings("s", signature(" ".join([_STRINGS, *parts])))]
    assert len(messages) == len(told), messages
    for part, message in zip(told, messages, strict=True):
        assert part in message


def test_classify_takes_examples() -> None:
    text = _STRINGS.replace('"inputs"', '"text"')
    parts = [text, _CLASSIFY, output("scores", "DT_FLOAT", -1, 2)]
    (finding,) = signature_findings("s", signature(" ".join(parts)))
    assert "['text']" in finding.message
    parts[0] = _STRINGS.replace("DT_STRING", "DT_FLOAT")
    (finding,) = signature_findings("s", signature(" ".join(parts)))
    assert "no string" in finding.message


def test_requests_to_a_text_signature() -> None:
    sent = list(requests("s", signature(_STRINGS)))
    assert sent[0].ordinary and not any(request.ordinary for request in sent[1:])
    shapes = {request.inputs["inputs"].shape for request in sent if request.wrong_shape}
    assert {(), (1, 0), (1, 2)} <= shapes
    assert (1,) not in shapes
    texts = [r.inputs["inputs"][0] for r in sent if r.rows == 1 and not r.wrong_shape]
    assert b"" in texts
    assert any(b"\xff" in text for text in texts)


def test_requests_to_other_signatures() -> None:
    def of(dtype: str, *sizes: int) -> list[tuple[int, ...]]:
        text = output("x", dtype, *sizes).replace("outputs", "inputs")
        sent = requests("s", signature(text))
        return [tuple(request.inputs["x"].shape) for request in sent if not request.wrong_shape]

    assert of("DT_INT32", -1, -1) == [(3, 2), (0, 2)]
    assert of("DT_INT32", 1, 128) == [(1, 128), (1, 128)]
    assert of("DT_VARIANT", -1) == []
