"""The dev metrics of a training's checkpoints: which is best, and whether it gets better still."""

import json
from pathlib import Path

from bert.checkpoints.whole_files import write_whole
from bert.errors import UserError

HISTORY_FILE = "dev_metrics.json"


class History:
    """The metric of each checkpoint that was evaluated, the higher the better, kept in a file."""

    def __init__(self, output_dir: Path, metric: str, step: int) -> None:
        """Reads what an interrupted training left, up to the step that it goes on from.

        Raises:
          UserError: the file is damaged.
        """
        self._file = output_dir / HISTORY_FILE
        self._metric = metric
        self._values = {at: value for at, value in self._read().items() if at <= step}

    def has(self, step: int) -> bool:
        """Whether the checkpoint of a step was evaluated."""
        return step in self._values

    def is_better(self, value: float) -> bool:
        """Whether no earlier checkpoint was as good."""
        return all(value > earlier for earlier in self._values.values())

    def add(self, step: int, value: float) -> None:
        """Keeps the metric of a checkpoint, on disk before this returns.

        Raises:
          OSError: the file cannot be written.
        """
        self._values[step] = value
        rows = {str(at): value for at, value in sorted(self._values.items())}
        write_whole(self._file, json.dumps({self._metric: rows}, indent=2) + "\n")

    def since_best(self) -> int:
        """How many checkpoints were evaluated after the first of the best ones."""
        values = [value for _, value in sorted(self._values.items())]
        return len(values) - 1 - values.index(max(values)) if values else 0

    def _read(self) -> dict[int, float]:
        try:
            content = json.loads(self._file.read_text(encoding="utf-8"))
            rows = content.get(self._metric, {})
            return {int(step): float(value) for step, value in rows.items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, AttributeError, TypeError) as error:
            raise UserError(
                f"{self._file} cannot be read ({error}): remove it, or name a new directory with "
                "--output_dir."
            ) from error
