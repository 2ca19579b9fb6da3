"""The first request after a load, with and without warm-up requests, side by side.

    scripts/benchmark_first_request --checkpoint DIRECTORY

Every load is a fresh process that loads the version as TensorFlow Serving does: a session,
then a replay of the warm-up file. No text of a first request is in that file; the numbers of
tokens of short single rows are, and those of long ones are not. Loads with and without the file
take turns, so that what else the machine does falls on both alike.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

_LOADS = 7
_STEADY_REQUESTS = 30
_MAX_SEQ_LENGTH = 128
# signature, rows, words of the shortest text
_SHORT, _LONG = 5, 70
_CASES = (
    ("serving_default", 1, _SHORT),
    ("serving_default", 1, _LONG),
    ("serving_default", 16, _SHORT),
    ("labels", 1, _SHORT),
)
_SENTENCE = (
    "the plot of this quiet little story about two brothers and their old boat never hurries "
    "yet it is hard to look away from what they do not say to each other until the very end"
)


def main() -> None:
    """Prints the table, and writes it as JSON where --json says."""
    parser = argparse.ArgumentParser(prog="benchmark_first_request", description=__doc__)
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--load", nargs=5, help="one load, in a process of its own")
    arguments = parser.parse_args()
    if arguments.load:
        directory, signature, *numbers = arguments.load
        print(json.dumps(_load(Path(directory), signature, *map(int, numbers))))
        return
    with tempfile.TemporaryDirectory(prefix="first-request-") as scratch:
        results = _compare(arguments.checkpoint, Path(scratch))
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


def _compare(checkpoint: Path, scratch: Path) -> list[dict[str, Any]]:
    from exporter import export
    from exporter.contract import WARMUP_FILE

    with_file = export(
        checkpoint, scratch / "with", version=1, max_seq_length=_MAX_SEQ_LENGTH, verify=False
    ).version_directory
    without_file = shutil.copytree(with_file, scratch / "without" / "1")
    (without_file / WARMUP_FILE).unlink()
    known = _lengths_in_warmup(with_file)

    print(
        f"{'signature':<16} {'rows':>4} {'tokens':>8}  {'warm-up':<7} {'load, s':>8} "
        f"{'first, ms':>10} {'steady, ms':>11} {'ratio':>6}"
    )
    results = []
    for signature, batch, words in _CASES:
        runs: dict[str, list[dict[str, Any]]] = {"with": [], "without": []}
        for number in range(_LOADS):
            for name, directory in (("with", with_file), ("without", without_file)):
                run = _load_in_fresh_process(directory, signature, batch, words, number)
                if words == _LONG and known & set(run["lengths"]):
                    raise AssertionError(f"{run['lengths']} tokens are in the warm-up file")
                runs[name].append(run)
        for name, of_name in runs.items():
            median = {
                key: statistics.median(run[key] for run in of_name)
                for key in ("load_s", "first_ms", "steady_ms", "ratio")
            }
            results.append(
                {"signature": signature, "rows": batch, "warm-up": name, **median}
                | {"loads": of_name}
            )
            lengths = [length for run in of_name for length in run["lengths"]]
            tokens = f"{min(lengths)}-{max(lengths)}"
            print(
                f"{signature:<16} {batch:>4} {tokens:>8}  {name:<7} {median['load_s']:>8.1f} "
                f"{median['first_ms']:>10.1f} {median['steady_ms']:>11.1f} "
                f"{median['ratio']:>6.2f}",
                flush=True,
            )
    return results


def _lengths_in_warmup(directory: Path) -> set[int]:
    """The numbers of tokens that single rows of the warm-up file have."""
    import tensorflow as tf
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    from exporter.contract import WARMUP_FILE
    from exporter.runtime.servable import Servable

    servable = Servable(directory)
    lengths = set()
    for record in tf.data.TFRecordDataset(str(directory / WARMUP_FILE)).as_numpy_iterator():
        inputs = PredictionLog.FromString(record).predict_log.request.inputs
        if "text" in inputs:
            texts = tf.make_ndarray(inputs["text"])
            mask = servable.predict("tokenize", {"text": texts})["input_mask"]
            lengths |= {int(mask.sum())} if len(mask) == 1 else set()
    servable.close()
    return lengths


def _load_in_fresh_process(
    directory: Path, signature: str, batch: int, words: int, number: int
) -> dict[str, Any]:
    load = ["--load", str(directory), signature, str(batch), str(words), str(number)]
    result = subprocess.run(
        [sys.executable, "-m", "tests.programs.benchmarks.first_request", *load],
        capture_output=True,
        text=True,
    )
    if result.returncode:
        raise RuntimeError(result.stderr[-2000:])
    return json.loads(result.stdout)


def _load(directory: Path, signature: str, batch: int, words: int, number: int) -> dict[str, Any]:
    """Times of one load: of the load itself, the first request and the median of later ones."""
    from exporter.runtime.replay import replay_warmup
    from exporter.runtime.servable import Servable

    start = time.perf_counter()
    servable = Servable(directory)
    replay_warmup(servable, directory)
    load_s = time.perf_counter() - start

    texts = np.array(
        [_text(words, number + 3 * row).encode() for row in range(batch)], dtype=object
    )
    times = []
    for _ in range(1 + _STEADY_REQUESTS):
        start = time.perf_counter()
        servable.predict(signature, {"text": texts})
        times.append((time.perf_counter() - start) * 1e3)
    lengths = servable.predict("tokenize", {"text": texts})["input_mask"].sum(axis=1).tolist()
    steady_ms = statistics.median(times[1:])
    return {
        "load_s": load_s,
        "first_ms": times[0],
        "steady_ms": steady_ms,
        "ratio": times[0] / steady_ms,
        "lengths": lengths,
    }


def _text(least: int, number: int) -> str:
    """Texts of so many words and up to 24 more, each of another length."""
    words = (_SENTENCE.split() * 3)[number % 7 :]
    return " ".join(words[: least + number % 25])


if __name__ == "__main__":
    main()
