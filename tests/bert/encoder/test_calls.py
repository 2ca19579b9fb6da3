"""Calls: who optimises them, and when."""

import os
import re
import subprocess
import sys

_SCRIPT = """
import tensorflow as tf
from bert.encoder.calls import as_call

with tf.Graph().as_default():
    x = tf.compat.v1.placeholder(tf.float32, [])
    # An optimizer passes over graphs of fewer than four nodes.
    sum_of_thirds = as_call(lambda x: tf.reduce_sum(tf.stack([x / 3.0, (x + 1.0) / 3.0])))
    with tf.compat.v1.Session() as session:
        print(session.run(sum_of_thirds(x), {x: 4.0}))
"""


def test_a_call_is_optimised_once_when_it_first_runs() -> None:
    """TensorFlow's own log of what its optimizer did, since a session does not tell."""
    logged = {"TF_CPP_MIN_LOG_LEVEL": "0", "TF_CPP_VMODULE": "meta_optimizer=1"}
    result = subprocess.run(
        [sys.executable, "-c", _SCRIPT],
        capture_output=True,
        text=True,
        env=os.environ | logged,
        check=True,
    )
    assert result.stdout == "3.0\n"
    optimised = re.findall(r"optimization for grappler item: (\w+)", result.stderr)
    within = re.findall(r"Optimized (\d+) functions", result.stderr)
    assert len(optimised) == 2, optimised  # the session's graph, then the call by itself
    assert optimised[1].startswith("__inference"), optimised
    assert set(within) == {"0"}, within
