"""What loading a version costs, side by side: time, first requests, memory and disk.

    scripts/benchmark_load NAME=DIRECTORY [NAME=DIRECTORY ...] [--loads 3] [--json FILE]

Each DIRECTORY is a version of a SavedModel: an export of ours, one of an earlier commit, a graph of
the old recipe. Every load is a fresh process that does what TensorFlow Serving does: a session,
then a replay of the warm-up file, if there is one. Then the signatures get a request each that is
not in that file, the same ones in turn again, and each once more by itself, back to back, which
finds its weights and code in the processor's caches. Versions take turns, and the table has the
least of all loads.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

_SENTENCE = b"a stirring , funny and finally transporting film"
_IDS = np.array([[1, 2, 3, 4, 5]], np.int32)
_STEADY = 10


def main() -> None:
    """Prints the table, and writes the figures where --json says."""
    parser = argparse.ArgumentParser(prog="benchmark_load", description=__doc__)
    parser.add_argument("versions", nargs="*", metavar="NAME=DIRECTORY")
    parser.add_argument("--loads", type=int, default=3)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", type=Path, help="one load, in a process of its own")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(_load(arguments.one)))
        return
    runs: dict[str, list[dict[str, Any]]] = {}
    for _ in range(arguments.loads):
        for version in arguments.versions:
            name, _, directory = version.partition("=")
            runs.setdefault(name, []).append(_in_fresh_process(Path(directory)))
    if arguments.json:
        arguments.json.write_text(json.dumps(runs, indent=1) + "\n")
    print(_table(runs))


def _in_fresh_process(directory: Path) -> dict[str, Any]:
    module = "tests.programs.benchmarks.loading"
    command = [sys.executable, "-m", module, "--one", str(directory)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise RuntimeError(result.stderr[-2000:])
    return json.loads(result.stdout.splitlines()[-1])


def _load(directory: Path) -> dict[str, Any]:
    from exporter.runtime.replay import replay_warmup
    from exporter.runtime.servable import Servable

    start, processor = time.perf_counter(), time.process_time()
    servable = Servable(directory)
    session = time.perf_counter() - start
    replay_warmup(servable, directory)
    figures: dict[str, Any] = {
        "session, s": session,
        "ready, s": time.perf_counter() - start,
        "ready, s of processor": time.process_time() - processor,
        "resident, MB": _resident() / 1e6,
        "on disk, MB": sum(f.stat().st_size for f in directory.rglob("*") if f.is_file()) / 1e6,
    }
    names = sorted(name for name, of in servable.signatures.items() if of.method_name)
    first, *later = ({name: _ask(servable, name) for name in names} for _ in range(1 + _STEADY))
    for name in names:
        in_turn = min(seconds[name] for seconds in later)
        back_to_back = min(_ask(servable, name) for _ in range(_STEADY))
        figures[f"{name}: first, ms"] = first[name] * 1e3
        figures[f"{name}: first / in turn"] = first[name] / in_turn
        figures[f"{name}: first / back to back"] = first[name] / back_to_back
    return figures


def _ask(servable: Any, name: str) -> float:
    """The seconds of one request."""
    from exporter.contract import CLASSIFY_METHOD, REGRESS_METHOD

    signature = servable.signatures[name]
    start = time.perf_counter()
    if signature.method_name in (CLASSIFY_METHOD, REGRESS_METHOD):
        ask = servable.classify if signature.method_name == CLASSIFY_METHOD else servable.regress
        ask(name, [_example()])
    else:
        inputs = {
            key: _value(key, tensor.tensor_shape.dim) for key, tensor in signature.inputs.items()
        }
        servable.predict(name, inputs)
    return time.perf_counter() - start


def _value(name: str, dimensions: Any) -> np.ndarray:
    """What is sent for an input of this name."""
    if name.startswith("text"):
        return np.array([_SENTENCE], object)
    if len(dimensions) == 1:
        return np.zeros(1, np.int32)  # label ids
    columns = max(dimensions[1].size, _IDS.shape[1])
    row = np.zeros([1, columns], np.int32)
    if name != "segment_ids":
        row[:, : _IDS.shape[1]] = _IDS if name == "input_ids" else 1
    return row


def _example() -> bytes:
    import tensorflow as tf

    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[_SENTENCE]))
    features = dict.fromkeys(("text", "text_a", "text_b"), feature)
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def _resident() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise KeyError("VmRSS")


def _table(runs: dict[str, list[dict[str, Any]]]) -> str:
    keys = list(dict.fromkeys(key for of_name in runs.values() for key in of_name[0]))
    width = max(map(len, keys))
    lines = [" " * width + "".join(f"{name:>14}" for name in runs)]
    for key in keys:
        cells = [
            min((run[key] for run in of_name if key in run), default=None)
            for of_name in runs.values()
        ]
        shown = (f"{'-':>14}" if cell is None else f"{cell:>14.2f}" for cell in cells)
        lines.append(f"{key:<{width}}" + "".join(shown))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
