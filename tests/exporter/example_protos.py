"""Serialized tf.Examples, as clients of `classify` and `regress` send them."""

from tensorflow.core.example.example_pb2 import Example


def example_of(**texts: str | bytes) -> bytes:
    """An example of bytes features, one text each."""
    example = Example()
    for name, text in texts.items():
        value = text.encode() if isinstance(text, str) else text
        example.features.feature[name].bytes_list.value.append(value)
    return example.SerializeToString()
