"""What this machine can do at most: bytes read a second, and operations of matrix products.

    python -m tests.programs.benchmarks.inference.limits

prints them as JSON; it is run as a process of its own, on as many cores as a contestant.
"""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests.programs.benchmarks.inference.contestant import THREADS

_L3_SIZE = Path("/sys/devices/system/cpu/cpu0/cache/index3/size")
# What is read is this often as large as the last cache, and 2 GB at least.
_TIMES_THE_CACHE = 4
_LEAST_BYTES = 2 * 10**9
_SIZES = (1024, 2048, 3072, 4096)
_RUNS = 5


def main() -> None:
    """Prints bytes and operations a second."""
    bandwidths = _read_bandwidths()
    limits = {
        "read_bytes_per_second": max(bandwidths.values()),
        "read_bandwidths": bandwidths,
        "read_array_bytes": _array_bytes(),
    }
    for dtype in (tf.float32, tf.bfloat16):
        limits[f"{dtype.name}_operations_per_second"] = _product_rate(dtype)
    print(json.dumps(limits))


def _array_bytes() -> int:
    cache = int(_L3_SIZE.read_text().strip().removesuffix("K")) * 1024 if _L3_SIZE.exists() else 0
    return max(_LEAST_BYTES, _TIMES_THE_CACHE * cache)


def _read_bandwidths() -> dict[str, float]:
    """Bytes a second by two ways of reading a large array once with all threads."""
    array = np.ones(_array_bytes() // 4, np.float32)
    parts = np.array_split(array, THREADS)
    tensor = tf.constant(array[: len(array) // 768 * 768].reshape(-1, 768))
    vector = tf.ones([768, 1])

    def sum_of_parts() -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda part: np.dot(part, part), parts))

    return {
        "numpy dot, a thread each": array.nbytes / _least(sum_of_parts),
        "TensorFlow matrix by vector": array.nbytes
        / _least(lambda: tf.matmul(tensor, vector).numpy()),
    }


def _product_rate(dtype: tf.DType) -> float:
    """Operations a second of the fastest of some square products in TensorFlow."""
    rates = []
    for size in _SIZES:
        left, right = (tf.cast(tf.random.normal([size, size]), dtype) for _ in range(2))
        product = tf.function(tf.matmul)
        seconds = _least(lambda: product(left, right).numpy())  # noqa: B023
        rates.append(2 * size**3 / seconds)
    return max(rates)


def _least(function: Callable[[], object]) -> float:
    """Seconds of the fastest of a few runs."""
    times = []
    for _ in range(_RUNS):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


if __name__ == "__main__":
    main()
