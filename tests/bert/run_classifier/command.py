"""The command in this process, and what a run of it in a process of its own has left."""

import dataclasses
from pathlib import Path
from typing import Any

from absl import flags

from bert.run_classifier import define_flags, main

TRAINING = (
    "--do_train",
    "--train_batch_size=8",
    "--num_train_epochs=2",
    "--learning_rate=1e-3",
    "--save_checkpoints_steps=4",
    "--max_seq_length=16",
)


@dataclasses.dataclass(frozen=True)
class Finished:
    """A training that ran in a process of its own."""

    data_dir: Path
    pretrained: Path
    output_dir: Path
    stdout: str
    stderr: str


def run(*arguments: str) -> int:
    """The command in this process; returns its exit status."""
    values = flags.FlagValues()
    define_flags(values)
    values(["run_classifier", *arguments])
    return main(["run_classifier"], values)


def settings(finished: Finished, **changes: Any) -> list[str]:
    given = {
        "task_name": "sst-2",
        "data_dir": finished.data_dir,
        "output_dir": finished.output_dir,
        "max_seq_length": 16,
    }
    return [f"--{name}={value}" for name, value in (given | changes).items()]


def copy_of(finished: Finished, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in finished.output_dir.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    return copy
