"""SIGKILL at any moment: no version that does not load, and the next run clears up."""

import random
import signal
import time
from pathlib import Path

from tests.conftest import load_signatures
from tests.exporter.command import start
from tests.tiny_model import TinyModel

_TEXTS = ["the film is good", "bad"]


def test_kills_at_random_moments(tiny_model: TinyModel, tmp_path: Path, full: bool) -> None:
    kills = 30 if full else 4
    export_dir, scratch = tmp_path / "models", tmp_path / "scratch"
    scratch.mkdir()
    # The fresh process only reads; without it the kills fall closer to what is written.
    fresh_process = () if full else ("--nowarmup", "--noverify")
    arguments = (f"--checkpoint={tiny_model.prefix}", f"--export_dir={export_dir}", *fresh_process)
    # A killed run cannot clear up its temporary files; here they go with the test's.
    environment = {"TMPDIR": str(scratch)}

    started = time.monotonic()
    with start(*arguments, "--version=0", environment=environment) as process:
        _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    duration = time.monotonic() - started

    seed = random.randrange(1 << 32)
    print(f"seed {seed}, one run takes {duration:.1f} s")
    generator = random.Random(seed)
    checked, killed = set(), 0
    for number in range(1, kills + 1):
        # One moment in each part of the run, and a little beyond its end.
        moment = duration * 1.05 * (number - generator.random()) / kills
        with start(*arguments, f"--version={number}", environment=environment) as process:
            time.sleep(moment)
            killed += process.poll() is None
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=300)
        for version in export_dir.glob("[0-9]*"):
            if version.name not in checked:
                assert_answers(version)
                checked.add(version.name)
        hidden = [path for path in export_dir.iterdir() if path.name not in checked]
        assert len(hidden) <= 1, "the run before did not clear up"
    assert killed > kills / 2

    with start(*arguments, "--version=1000", environment=environment) as process:
        _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert {path.name for path in export_dir.iterdir()} == checked | {"1000"}
    assert_answers(export_dir / "1000")


def assert_answers(version: Path) -> None:
    signatures = load_signatures(version)
    answer = signatures["serving_default"](text=_TEXTS)["probabilities"]
    assert answer.shape == (2, 3)
    assert (version / "assets.extra" / "export.json").is_file()
