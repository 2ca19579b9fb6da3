"""A session of an export in this process, asked by 16 threads.

    python -m tests.programs.soak.session VERSION_DIRECTORY SECONDS

Arguments: the version directory, and for how many seconds. Prints the outcome as JSON.
"""

import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.programs.compatibility.c_api import Library, SavedModelSession, StatusError
from tests.programs.soak.questions import Question, ask_beforehand
from tests.programs.soak.targets import Ask, ask_from_all_threads


def main(directory: str, seconds: str) -> None:
    """Loads, says so, asks, prints."""
    session = SavedModelSession(Library(), Path(directory))
    questions = ask_beforehand(Path(directory))

    @contextlib.contextmanager
    def client() -> Iterator[Ask]:
        yield lambda question: _fault(session, question)

    print("ready", flush=True)
    tally = ask_from_all_threads(questions, float(seconds), client)
    print(json.dumps([tally.answered, tally.refused, tally.faults, tally.fault_counts]))


def _fault(session: SavedModelSession, question: Question) -> str | None:
    signature = question.signature
    feeds = {tensor: question.inputs[name] for name, tensor in signature.inputs.items()}
    try:
        values = session.run(feeds, list(signature.outputs.values()))
    except StatusError as error:
        return None if error.code == question.error else f"{error}, expected {question.error}"
    return question.fault(dict(zip(signature.outputs, values, strict=True)))


if __name__ == "__main__":
    main(*sys.argv[1:])
