"""A training that is killed at random moments and started again ends as an uninterrupted one."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from absl import flags

from bert.run_classifier import define_flags, main
from bert.training.checkpoints import newest
from bert.training.dataset import BEST
from tests.bert.training.toy_task import write_toy_data
from tests.full import sampled
from tests.repository import ROOT
from tests.tiny_model import write_tiny_model

# So many for each kill that the training is never at its end before the last one.
_STEPS_A_KILL = 24
# From the first sign of life after a start, a checkpoint, to the kill.
_LONGEST_WAIT = 0.5


def _variables(directory: Path) -> dict[str, np.ndarray]:
    prefix = newest(directory)
    assert prefix is not None
    reader = tf.train.load_checkpoint(str(prefix))
    return {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}


def _run(*arguments: str) -> int:
    values = flags.FlagValues()
    define_flags(values)
    values(["run_classifier", *arguments])
    return main(["run_classifier"], values)


def _kill_while_training(command: list[str], output_dir: Path) -> float | None:
    """Starts a training and kills it; the seconds after its first checkpoint, None if it ended."""
    before = newest(output_dir)
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        while newest(output_dir) == before and run.poll() is None:
            time.sleep(0.01)
        wait = random.uniform(0, _LONGEST_WAIT)
        time.sleep(wait)
        run.kill()
        run.communicate()
    return wait if run.returncode == -signal.SIGKILL else None


@pytest.mark.parametrize(
    ("dropout", "num_kills"), sampled([(0.1, 2), (0.1, 10), (0.0, 10)], [(0.1, 2)])
)
def test_it_ends_with_the_same_weights(dropout: float, num_kills: int, tmp_path: Path) -> None:
    """With dropout, too: what a step drops out depends on its number alone."""
    num_steps = _STEPS_A_KILL * num_kills
    write_toy_data(tmp_path / "data", num_train=40, num_dev=20)
    pretrained = write_tiny_model(
        tmp_path / "pretrained", hidden_dropout_prob=dropout, attention_probs_dropout_prob=dropout
    )
    given = ["--task_name=sst-2", "--do_train", "--do_eval", "--keep_best"]
    given += [f"--data_dir={tmp_path / 'data'}", f"--init_checkpoint={pretrained.prefix}"]
    given += ["--train_batch_size=10", f"--num_train_epochs={num_steps // 4}"]
    given += ["--learning_rate=1e-3", "--max_seq_length=16", "--save_checkpoints_steps=4"]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert _run(*given, f"--output_dir={whole}") == 0

    killed.mkdir()
    command = [sys.executable, "-m", "bert.run_classifier", *given, f"--output_dir={killed}"]
    moments = [_kill_while_training(command, killed) for _ in range(num_kills)]
    print(f"killed {moments} seconds after the first checkpoint of each start")
    assert None not in moments
    assert _run(*given, f"--output_dir={killed}") == 0
    for folder in (Path(), Path(BEST)):
        expected, found = _variables(whole / folder), _variables(killed / folder)
        assert expected.keys() == found.keys()
        assert expected["global_step"] == found["global_step"]
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=0, atol=1e-6, err_msg=name)
    assert _variables(killed)["global_step"] == num_steps
    for name in ("eval_results.txt", "dev_metrics.json"):
        assert (killed / name).read_text() == (whole / name).read_text()
