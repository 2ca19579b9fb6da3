"""Fine-tunes MiniLM on SST-2 with ours and with transformers on PyTorch, one after the other.

    python -m tests.programs.benchmarks.training [--steps N] [--seeds 1,2,3] [--json FILE]

Both get the same examples, batches of the same size, learning rate, schedule, dropout, weight
decay and gradient clipping, and the same two threads. PyTorch pads a batch to its longest row, as
transformers' DataCollatorWithPadding does. Examples a second are counted from the fifth step on:
before that ours is still tracing. BERT_EXPORTER_DATA names the folder with sst2/.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bert.tensorflow_import import import_tensorflow_quietly
from tests.oracles.transformers_environment import TransformersEnvironment
from tests.repository import ROOT

_THREADS = 2
# Not timed.
_FIRST_STEPS = 4
# Those that our command has under the same names.
_OPTIONS = ("learning_rate", "max_seq_length", "precision")
_TORCH = Path(__file__).with_name("torch_transformers.py")


def main() -> None:
    """Prints the table, and writes it as JSON where --json says."""
    parser = argparse.ArgumentParser(prog="benchmark_training", description=__doc__)
    parser.add_argument("--steps", type=int, help="so many steps, not two epochs")
    parser.add_argument("--seeds", default="1", help="numbers, divided by commas")
    parser.add_argument("--learning_rate", type=float, default=5e-5)
    parser.add_argument("--batch_size", type=int, default=32)
    parser.add_argument("--max_seq_length", type=int, default=128)
    parser.add_argument("--epochs", type=float, default=2.0)
    parser.add_argument("--precision", default="float32", help="of ours; PyTorch has float32")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()

    data = Path(os.environ["BERT_EXPORTER_DATA"]) / "sst2"
    environment = TransformersEnvironment()
    settings = vars(arguments) | {"data": str(data), "model": str(environment.minilm)}
    del settings["json"], settings["seeds"]
    if arguments.steps:
        count = len((data / "train.tsv").read_text(encoding="utf-8").splitlines())
        # Half a step more: the number of steps is rounded down.
        settings["epochs"] = (arguments.steps + 0.5) * arguments.batch_size / count
    results = []
    print(f"{'seed':>4} {'':<13} {'examples/s':>10} {'seconds':>8} {'steps':>6} {'accuracy':>9}")
    for seed in map(int, arguments.seeds.split(",")):
        given = settings | {"seed": seed}
        for name, run in (("ours", _ours), ("transformers", _torch)):
            result = {"name": name, "seed": seed, **run(given, environment)}
            results.append(result)
            print(
                f"{seed:>4} {name:<13} {result['examples_per_second']:>10.1f} "
                f"{result['seconds']:>8.1f} {result['steps']:>6} {result['accuracy']:>9.4f}",
                flush=True,
            )
    means = {
        name: tuple(
            statistics.mean(result[key] for result in results if result["name"] == name)
            for key in ("examples_per_second", "accuracy")
        )
        for name in ("ours", "transformers")
    }
    (our_rate, our_accuracy), (rate, accuracy) = means["ours"], means["transformers"]
    print(
        f"ours: {our_rate / rate:.2f} x the examples/s of transformers, mean accuracy "
        f"{our_accuracy:.4f} against {accuracy:.4f}"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


def _ours(settings: dict[str, Any], _: TransformersEnvironment) -> dict[str, Any]:
    """The command itself; its times are those of the summaries that it writes."""
    with tempfile.TemporaryDirectory(prefix="benchmark-training-") as scratch:
        command = [sys.executable, "-m", "bert.run_classifier", "--task_name=sst-2"]
        command += [f"--data_dir={settings['data']}", f"--init_checkpoint={settings['model']}"]
        command += [
            f"--output_dir={scratch}",
            "--do_train",
            "--do_eval",
            f"--seed={settings['seed']}",
        ]
        command += [f"--train_batch_size={settings['batch_size']}", "--eval_batch_size=32"]
        command += [f"--{name}={settings[name]}" for name in _OPTIONS]
        command += [f"--num_train_epochs={settings['epochs']}"]
        _run(command)
        times = _step_times(Path(scratch))
        lines = (Path(scratch) / "eval_results.txt").read_text().splitlines()
    accuracy = float(dict(line.split(" = ") for line in lines)["eval_accuracy"])
    return _result(times, settings["batch_size"], accuracy)


def _step_times(output_dir: Path) -> list[float]:
    """When each step was done, in seconds."""
    import_tensorflow_quietly()
    import tensorflow as tf

    (file,) = output_dir.glob("events.out.tfevents.*")
    events = [
        tf.compat.v1.Event.FromString(record)
        for record in tf.data.TFRecordDataset(str(file)).as_numpy_iterator()
    ]
    return [
        event.wall_time for event in events for value in event.summary.value if value.tag == "loss"
    ]


def _torch(settings: dict[str, Any], environment: TransformersEnvironment) -> dict[str, Any]:
    told = _run([str(environment.python), str(_TORCH), json.dumps(settings)])
    found = json.loads(told.splitlines()[-1])
    return _result(found["times"], settings["batch_size"], found["accuracy"])


def _result(times: list[float], batch_size: int, accuracy: float) -> dict[str, Any]:
    timed = times[_FIRST_STEPS:]
    return {
        "steps": len(times),
        "seconds": times[-1] - times[0],
        "examples_per_second": (len(timed) - 1) * batch_size / (timed[-1] - timed[0]),
        "accuracy": accuracy,
    }


def _run(command: list[str]) -> str:
    threads = str(_THREADS)
    environment = os.environ | {
        "OMP_NUM_THREADS": threads,
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    # How far a training is goes to standard error, past the table on standard output.
    done = subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    )
    return done.stdout


if __name__ == "__main__":
    main()
