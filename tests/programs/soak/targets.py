"""What is soaked: the preview over REST, and a session through the C API."""

import contextlib
import dataclasses
import http.client
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.programs.soak.questions import Question, endless
from tests.repository import ROOT

CONCURRENCY = 16
_SHOWN_FAULTS = 10


@dataclasses.dataclass
class Tally:
    """What came of the questions, from all threads."""

    answered: int = 0
    refused: int = 0
    faults: list[str] = dataclasses.field(default_factory=list)
    fault_counts: Counter[str] = dataclasses.field(default_factory=Counter)
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def add(self, question: Question, fault: str | None) -> None:
        """Counts one answer."""
        with self.lock:
            if fault is not None:
                self.fault_counts[question.name] += 1
                if len(self.faults) < _SHOWN_FAULTS:
                    self.faults.append(f"{question.name}: {fault}")
            elif question.error is None:
                self.answered += 1
            else:
                self.refused += 1


# question -> what is wrong with its answer
Ask = Callable[[Question], str | None]


def ask_from_all_threads(
    questions: Sequence[Question],
    seconds: float,
    client: Callable[[], contextlib.AbstractContextManager[Ask]],
) -> Tally:
    """Asks for so many seconds from 16 threads, each with a client of its own."""
    tally = Tally()
    deadline = time.monotonic() + seconds

    def work(seed: int) -> None:
        with client() as ask:
            for question in endless(questions, seed):
                if time.monotonic() > deadline:
                    return
                try:
                    fault = ask(question)
                # Whatever goes wrong in a thread is a fault to be told, not lost with it.
                except Exception as error:
                    tally.add(question, f"{type(error).__name__}: {error}")
                    return
                tally.add(question, fault)

    threads = [threading.Thread(target=work, args=[seed]) for seed in range(CONCURRENCY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally


@contextlib.contextmanager
def rest_client(port: int) -> Iterator[Ask]:
    """Asks a server on this machine over one connection."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=900)) as link:

        def ask(question: Question) -> str | None:
            link.request("POST", "/v1/models/soaked:predict", question.body())
            response = link.getresponse()
            return question.fault_of_json(response.status, response.read())

        yield ask


@contextlib.contextmanager
def preview(base_path: Path) -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """A preview server in a process of its own, and its port."""
    command = [sys.executable, "-m", "exporter.preview", "--model_name=soaked"]
    command += [f"--model_base_path={base_path}", "--rest_api_port=0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            # soaked version 1 is ready: http://127.0.0.1:40123/v1/models/soaked:predict
            found = (re.search(r"is ready: http://\S+:(\d+)/", line) for line in server.stdout)
            port = next((int(match[1]) for match in found if match), None)
            assert port is not None, f"the preview ended with exit code {server.wait()}"
            yield server, port
        finally:
            server.terminate()
