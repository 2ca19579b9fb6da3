"""A process that is killed while it writes what stands beside a checkpoint leaves whole files."""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bert.checkpoints.google_research import write_settings
from bert.tasks import MULTILABEL
from bert.training.evaluation import write_result
from bert.training.history import History
from tests.tiny_model import tiny_config


class Killed(BaseException):
    """Nobody catches it."""


def _write(directory: Path, version: int) -> None:
    vocabulary = f"word{version}\n".encode() * 40
    config = tiny_config(40, hidden_size=16 * version)
    names = [f"label {version}", "another"]
    write_settings(directory, config, vocabulary, version == 1, 32 * version, names, MULTILABEL)
    History(directory, "accuracy", 10).add(version, 0.5)
    write_result(directory / "results.tsv", f"{version}\n" * 40)


def _contents(directory: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in directory.iterdir() if file.suffix != ".tmp"}


def _killed_at(moment: int) -> Callable[..., Any]:
    """`Path.open`, whose file of that number, of those to be written, gets half of its bytes."""
    numbers = itertools.count()
    real = Path.open

    def opening(file: Path, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        stream: Any = real(file, mode, *arguments, **named)
        if "w" in mode and next(numbers) == moment:
            write = stream.write

            def half(content: Any) -> None:
                write(content[: len(content) // 2])
                stream.flush()
                raise Killed

            stream.write = half
        return stream

    return opening


def test_files_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {"bert_config.json", "vocab.txt", "tokenizer_config.json", "labels.json"}
    names |= {"dev_metrics.json", "results.tsv"}
    for moment in range(len(names)):
        directory, complete = tmp_path / f"killed{moment}", tmp_path / f"complete{moment}"
        directory.mkdir()
        complete.mkdir()
        _write(directory, 1)
        before = _contents(directory)
        assert before.keys() == names
        with monkeypatch.context() as patched:
            patched.setattr(Path, "open", _killed_at(moment))
            with pytest.raises(Killed):
                _write(directory, 2)
        _write(complete, 1)
        _write(complete, 2)
        after, found = _contents(complete), _contents(directory)
        assert found.keys() == names
        assert all(found[name] in (before[name], after[name]) for name in names), moment
        assert sum(found[name] == after[name] for name in names) == moment
