"""The sections of a benchmark run; each fills its part of the results."""

import contextlib
import functools
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bert.checkpoints import ReadOptions, read
from bert.config import BertConfig
from tests.programs.benchmarks.inference.checkpoints import write_checkpoint
from tests.programs.benchmarks.inference.contest import compete
from tests.programs.benchmarks.inference.contestant import THREADS, Contestant
from tests.programs.benchmarks.inference.footprint import loading, memory
from tests.programs.benchmarks.inference.registry import (
    OURS,
    OURS_BFLOAT16,
    OURS_INT8,
    Entrant,
    entrants,
)
from tests.programs.benchmarks.inference.requests import (
    Request,
    memory_requests,
    sentences_source,
    standard_requests,
)
from tests.programs.benchmarks.inference.tasks import Task, TaskContest
from tests.repository import ROOT

MINILM_FOLDER = ROOT / "build" / "minilm"
FOLDER = ROOT / "build" / "benchmark"
VOCABULARY = MINILM_FOLDER / "vocab.txt"

_FIRST_REQUEST = "1 x 20"
_LARGE_REQUEST = "512 sentences"


class Benchmark:
    """One model, its contestants, and what has been measured of them."""

    def __init__(
        self, model: str, names: Sequence[str], results: dict[str, Any], folder: Path = FOLDER
    ) -> None:
        """Writes the model unless it is there.

        Args:
          model: one of checkpoints.MODELS.
          names: of the contestants.
          results: of earlier runs with this model, or empty; the sections add to it.
          folder: where models, artefacts and logs are kept.
        """
        self._folder = folder / model
        self._names = names
        self.checkpoint = write_checkpoint(model, MINILM_FOLDER, self._folder / "checkpoint")
        self.results: dict[str, Any] = {"times": {}, "lengths": {}, "loading": {}, "memory": {}}
        self.results |= results
        self.results |= {
            "model": model,
            "processor": _processor(),
            "threads": THREADS,
            "sentences": sentences_source(),
        }

    @property
    def config(self) -> BertConfig:
        return read(self.checkpoint, ReadOptions()).config

    def prepare(self, tasks: Sequence[Task] = ()) -> None:
        """Makes environments and artefacts, so that a later run measures at once.

        With `tasks` only theirs.
        """
        for task in tasks:
            for name, (_, artefact) in self._task_contest(task).prepare().items():
                print(f"{task.name}, {name}: {artefact}", file=sys.stderr, flush=True)
        if tasks:
            return
        for warmup in (False, True):
            for name, (_, artefact) in self._entrants(warmup).items():
                print(f"{name}: {artefact}", file=sys.stderr, flush=True)

    def times(self, requests: Sequence[Request], rounds: int) -> None:
        """Everybody's times for every request.

        Raises:
          contest.Disagreement: the answers are not the same.
        """
        chosen = self._entrants(warmup=False)
        precisions = {name: entrant.precision for name, (entrant, _) in chosen.items()}
        with self._loaded(chosen) as contestants:
            cells = compete(contestants, precisions, requests, rounds)
        for request in requests:
            self.results["lengths"][request.name] = self._lengths(request)
            self.results["times"][request.name] = {
                name: {
                    "median_seconds": cell.median,
                    "seconds": cell.seconds,
                    "refused": cell.refused,
                }
                for name, cell in cells[request.name].items()
            }
        for section in ("lengths", "times"):
            figures = self.results[section]
            order = [name for name in standard_requests(VOCABULARY) if name in figures]
            self.results[section] = {name: figures[name] for name in order}

    def task(self, task: Task, rounds: int) -> None:
        """Everybody's times for the requests of a task, on the encoder of this model.

        Raises:
          contest.Disagreement: the answers are not the same.
        """
        found = self._task_contest(task).run(task.requests(VOCABULARY), rounds)
        self.results.setdefault("tasks", {})[task.name] = found

    def loading(self) -> None:
        """Loading, the first request and the size on disk, each in a fresh process."""
        first = standard_requests(VOCABULARY)[_FIRST_REQUEST]
        for name, (entrant, artefact) in self._entrants(warmup=True).items():
            start = functools.partial(self._start, name, entrant, artefact)
            self.results["loading"][name] = loading(start, artefact, first)
            print(f"loaded {name}", file=sys.stderr, flush=True)

    def memory(self) -> None:
        """Peaks of large requests."""
        standard = standard_requests(VOCABULARY)
        large = {_LARGE_REQUEST: standard[_LARGE_REQUEST]}
        for name, (entrant, artefact) in self._entrants(warmup=False).items():
            # Padded as one batch, these would need more memory than most machines have.
            more = memory_requests(VOCABULARY) if name in (OURS, OURS_BFLOAT16, OURS_INT8) else {}
            start = functools.partial(self._start, name, entrant, artefact)
            self.results["memory"][name] = memory(start, standard[_FIRST_REQUEST], large | more)

    def limits(self) -> None:
        """What the machine can do, measured in a process of its own."""
        cores = sorted(os.sched_getaffinity(0))[:THREADS]
        output = subprocess.run(
            [sys.executable, "-m", "tests.programs.benchmarks.inference.limits"],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        ).stdout
        self.results["limits"] = json.loads(output)

    def _task_contest(self, task: Task) -> TaskContest:
        return TaskContest(task, self._names, self.checkpoint, self._folder / "tasks")

    def _entrants(self, warmup: bool) -> dict[str, tuple[Entrant, Path]]:
        """The chosen contestants and what each of them loads, made where it is missing."""
        known = entrants(warmup)
        return {
            name: (known[name], known[name].prepare(self.checkpoint, self._folder))
            for name in self._names
        }

    def _start(self, name: str, entrant: Entrant, artefact: Path) -> Contestant:
        return entrant.start(name, artefact, self._folder / "logs")

    @contextlib.contextmanager
    def _loaded(self, chosen: dict[str, tuple[Entrant, Path]]) -> Iterator[list[Contestant]]:
        """The processes of all, ended in any case."""
        with contextlib.ExitStack() as stack:
            contestants = []
            for name, (entrant, artefact) in chosen.items():
                contestants.append(self._start(name, entrant, artefact))
                stack.callback(contestants[-1].close)
                contestants[-1].load()
                print(f"loaded {name}", file=sys.stderr, flush=True)
            yield contestants

    def _lengths(self, request: Request) -> list[int]:
        """Tokens of each row."""
        from tests.programs.benchmarks.inference.contestants.padded_rows import padded_rows

        features = padded_rows(self.checkpoint)(request.texts)
        return features["attention_mask"].sum(axis=1).tolist()


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()
