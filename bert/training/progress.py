"""The line that shows how far a training is."""

import sys
from collections import deque

from tqdm import tqdm

# Loss and rate are the means of this many steps.
_SHOWN_STEPS = 50


class ProgressLine:
    """Steps done and to do, time left, loss and examples a second, on standard error."""

    def __init__(self, first: int, num_steps: int, batch_size: int) -> None:
        """Shows `first` of `num_steps` steps as done."""
        self._batch_size = batch_size
        self._losses: deque[float] = deque(maxlen=_SHOWN_STEPS)
        self._seconds: deque[float] = deque(maxlen=_SHOWN_STEPS)
        self._line = tqdm(
            desc="training",
            total=num_steps,
            initial=first,
            unit="step",
            # Often enough for eyes at a terminal; a log file keeps every line that is shown.
            mininterval=0.5 if sys.stderr.isatty() else 10.0,
            file=sys.stderr,
        )

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def update(self, loss: float, seconds: float) -> None:
        """Counts a step that took `seconds`; checkpoints and evaluations are not among them."""
        # The first step traces its graph, which takes as long as many others.
        if self._losses:
            self._seconds.append(seconds)
        self._losses.append(loss)
        figures = {"loss": f"{sum(self._losses) / len(self._losses):.4f}"}
        if self._seconds:
            rate = self._batch_size * len(self._seconds) / sum(self._seconds)
            figures["examples/s"] = f"{rate:.1f}"
        self._line.set_postfix(figures, refresh=False)
        self._line.update()
