"""Parts of a graph that stay calls: one op each, optimised apart from what is around them."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf


def as_call(
    function: Callable[..., Any], input_signature: Sequence[Any] | None = None
) -> Callable[..., Any]:
    """The function as one op of the graph that calls it.

    The executor then passes a branch that is not taken in one step, and a server optimises the
    function by itself, when it first runs.
    """
    return tf.function(
        function,
        input_signature=input_signature,
        autograph=False,
        experimental_attributes={
            "_noinline": True,
            # By this mark of tf.data's functions a server's optimizer leaves a function to those
            # who call it. Without, it would optimise every function that a signature might call,
            # and each once more when it is called: a signature's first run takes 2.0 s of
            # processor time instead of 1.1 (BERT-base).
            "_tf_data_function": True,
        },
    )
