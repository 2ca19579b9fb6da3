"""The contest: everybody answers every request, in turns; nobody else runs meanwhile."""

import statistics
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tests.programs.benchmarks.inference.contestant import Contestant
from tests.programs.benchmarks.inference.registry import TOLERANCE
from tests.programs.benchmarks.inference.requests import Questions, Request
from tests.programs.benchmarks.inference.worker import Refused, Row

# In each round a contestant runs a request so often, or until the budget in seconds is spent.
_LEAST_RUNS = 3
_MOST_RUNS = 25
_BUDGET = 0.6
# A request that takes longer is run once a round, longer still in the first round alone.
_ONCE_A_ROUND = 3.0
_ONCE = 10.0
# The first request of all has the graph optimised and says nothing of later ones.
WARM_UP = ("a film",)


class Disagreement(Exception):
    """Two contestants answer the same request differently."""


class Cell(NamedTuple):
    """One contestant's times for one request."""

    seconds: list[list[float]]
    """by round"""
    refused: str = ""
    """why there are none"""

    @property
    def median(self) -> float | None:
        """The median of the rounds' medians, in seconds."""
        if not self.seconds:
            return None
        return statistics.median(map(statistics.median, self.seconds))


def compete(
    contestants: Sequence[Contestant],
    precisions: Mapping[str, str],
    requests: Sequence[Request | Questions],
    rounds: int,
    warm_up: Sequence[Row] = WARM_UP,
) -> dict[str, dict[str, Cell]]:
    """Times every request with every contestant, round after round.

    Args:
      contestants: loaded.
      precisions: contestant -> of its arithmetic; the answers of the first float32 one are what
        the others' are compared with.
      requests: in the order in which each round runs them.
      rounds: how often each is measured.
      warm_up: a first request, which is not measured.

    Returns:
      Request -> contestant -> times.

    Raises:
      Disagreement: answers differ by more than the precision explains.
    """
    cells: dict[str, dict[str, Cell]] = {request.name: {} for request in requests}
    for contestant in contestants:
        contestant.ask(warm_up)
    first_seconds = _agree(contestants, precisions, requests, cells)
    for number in range(rounds):
        for request in requests:
            for contestant in contestants:
                cell = cells[request.name][contestant.name]
                first = first_seconds.get((request.name, contestant.name), 0.0)
                if cell.refused:
                    continue
                if first > _ONCE:
                    # The run that was compared is the one that counts.
                    if number == 0:
                        cell.seconds.append([first])
                    continue
                if first > _ONCE_A_ROUND:
                    cell.seconds.append(contestant.time(request.texts, 1, 1, 0.0))
                    continue
                # One run to wake up: caches hold somebody else's data.
                contestant.time(request.texts, 1, 1, 0.0)
                cell.seconds.append(
                    contestant.time(request.texts, _LEAST_RUNS, _MOST_RUNS, _BUDGET)
                )
            print(f"round {number + 1}: {request.name}", file=sys.stderr, flush=True)
    return cells


def _agree(
    contestants: Sequence[Contestant],
    precisions: Mapping[str, str],
    requests: Sequence[Request | Questions],
    cells: dict[str, dict[str, Cell]],
) -> dict[tuple[str, str], float]:
    """Compares all answers, and starts the cells; the seconds of each run."""
    seconds: dict[tuple[str, str], float] = {}
    for request in requests:
        expected: np.ndarray | None = None
        # float32 first: what is expected of the others.
        for contestant in sorted(contestants, key=lambda one: precisions[one.name] != "float32"):
            try:
                numbers, of_run = contestant.ask(request.texts)
            except Refused as error:
                cells[request.name][contestant.name] = Cell([], str(error))
                continue
            cells[request.name][contestant.name] = Cell([])
            seconds[request.name, contestant.name] = of_run
            expected = numbers if expected is None else expected
            _require_same(contestant.name, request.name, precisions, numbers, expected)
        print(f"same answers: {request.name}", file=sys.stderr, flush=True)
    return seconds


def _require_same(
    contestant: str,
    request: str,
    precisions: Mapping[str, str],
    numbers: np.ndarray,
    expected: np.ndarray,
) -> None:
    if numbers.shape != expected.shape:
        raise Disagreement(f"{contestant}, {request}: {numbers.shape}, not {expected.shape}")
    difference = float(np.abs(numbers - expected).max(initial=0.0))
    tolerance = TOLERANCE[precisions[contestant]]
    if not difference <= tolerance:
        raise Disagreement(
            f"{contestant}, {request}: an answer differs by {difference:.2g}, where "
            f"{tolerance:.2g} is the most that {precisions[contestant]} explains"
        )
