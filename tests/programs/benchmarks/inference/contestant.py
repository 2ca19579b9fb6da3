"""A contestant's process as the benchmark sees it: stopped unless it is asked something."""

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tests.programs.benchmarks.inference.worker import Refused, Row
from tests.repository import ROOT

THREADS = 2


class ContestantDied(Exception):
    """The process ended; the message has the end of what it wrote."""


class Contestant:
    """One process that answers on a pipe.

    Between two commands it is stopped by a signal, so that threads that spin for work to come
    take nothing from whoever is measured then.
    """

    def __init__(
        self, name: str, python: Path, module: str, arguments: Sequence[str], log: Path
    ) -> None:
        """Starts `python -m module arguments` on two cores; it has not loaded anything yet."""
        self.name = name
        self._log = log
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "TF_CPP_MIN_LOG_LEVEL": "3",
            "OMP_NUM_THREADS": str(THREADS),
            "TF_NUM_INTRAOP_THREADS": str(THREADS),
            "RAYON_NUM_THREADS": str(THREADS),
            "TOKENIZERS_PARALLELISM": "true",
        }
        cores = sorted(os.sched_getaffinity(0))[:THREADS]
        with log.open("w") as file:
            self._process = subprocess.Popen(
                [python, "-m", module, *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                cwd=ROOT,
                env=environment,
                preexec_fn=lambda: os.sched_setaffinity(0, cores),
            )

    @property
    def process_id(self) -> int:
        return self._process.pid

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.wait()

    def load(self) -> float:
        """Loads the model; the seconds it took."""
        return self._ask(do="load")["seconds"]

    def ask(self, texts: Sequence[Row]) -> tuple[np.ndarray, float]:
        """Probabilities [rows, labels], or what else the contestant answers, and seconds.

        Raises:
          Refused: the contestant cannot answer this request.
        """
        answer = self._ask(do="ask", texts=texts)
        return np.array(answer["numbers"]).reshape(answer["shape"]), answer["seconds"]

    def time(
        self, texts: Sequence[Row], least_runs: int, most_runs: int, budget: float
    ) -> list[float]:
        """Seconds of one run after the other: at least and at most so many, within a budget."""
        return self._ask(
            do="time", texts=texts, least_runs=least_runs, most_runs=most_runs, budget=budget
        )["seconds"]

    def peak(self, texts: Sequence[str]) -> Mapping[str, float]:
        """Resident bytes `before` a request and at its `peak`, and its `seconds`."""
        return self._ask(do="peak", texts=texts)

    def _ask(self, **command: Any) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.send_signal(signal.SIGCONT)
        try:
            self._process.stdin.write(json.dumps(command) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            self._process.wait()
            raise ContestantDied(f"{self.name}: {self._log.read_text()[-2000:]}")
        self._process.send_signal(signal.SIGSTOP)
        answer = json.loads(line)
        if "refused" in answer:
            raise Refused(answer["refused"])
        return answer
