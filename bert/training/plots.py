"""Pictures of a training: its learning curve, and which classes were taken for which."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bert.errors import UserError
from bert.training.summaries import EVALUATIONS, LOSS, read_series

LEARNING_CURVE_FILE = "learning_curve.png"
CONFUSION_MATRIX_FILE = "confusion_matrix.png"

# The curve shows the mean loss of so many parts of the training.
_PARTS = 200
# Cells of larger matrices have no room for numbers.
_MOST_NUMBERED = 25


def require_matplotlib() -> None:
    """Checks that pictures can be drawn.

    Raises:
      UserError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise UserError(
            "--plots needs matplotlib, which is not installed: pip install "
            "'bert-text-exporter[plots]', or leave the flag out."
        ) from error


def draw_learning_curve(output_dir: Path, metric: str) -> Path:
    """Draws loss and, where checkpoints were evaluated, a dev metric by step; the file.

    Raises:
      UserError: the file cannot be written.
    """
    losses = np.array(read_series(output_dir, LOSS)).reshape(-1, 2)  # [steps, 2]
    figure, axes = _figure(8, 5)
    parts = np.array_split(losses, min(_PARTS, max(1, len(losses))))
    shown = np.array([part.mean(axis=0) for part in parts if len(part)]).reshape(-1, 2)
    axes.plot(shown[:, 0], shown[:, 1], color="tab:blue")
    axes.set(xlabel="step", ylabel="training loss", title="Learning curve")
    axes.set_ylim(bottom=0)
    evaluated = np.array(read_series(output_dir / EVALUATIONS, f"eval_{metric}"))
    if len(evaluated):
        other = axes.twinx()
        other.plot(evaluated[:, 0], evaluated[:, 1], color="tab:orange", marker="o")
        other.set_ylabel(f"dev {metric}")
    return _save(figure, output_dir / LEARNING_CURVE_FILE)


def confusion_matrix(predicted: np.ndarray, expected: np.ndarray, num_classes: int) -> np.ndarray:
    """How often each class (row) was taken for each (column): int [N] x 2 -> int [C, C]."""
    counts = np.zeros((num_classes, num_classes), np.int64)
    np.add.at(counts, (expected, predicted), 1)
    return counts


def draw_confusion_matrix(output_dir: Path, counts: np.ndarray, labels: Sequence[str]) -> Path:
    """Draws int [C, C], rows as shares of the examples of a class; the file.

    Raises:
      UserError: the file cannot be written.
    """
    size = max(4.0, min(20.0, 1.5 + 0.6 * len(labels)))
    figure, axes = _figure(size + 1, size)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, label="share of the class")
    places = range(len(labels))
    axes.set_xticks(places, labels, rotation=45, ha="right")
    axes.set_yticks(places, labels)
    axes.set(xlabel="predicted", ylabel="label", title="Confusion matrix of dev")
    for row, column in np.ndindex(counts.shape) if len(labels) <= _MOST_NUMBERED else ():
        color = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=color)
    return _save(figure, output_dir / CONFUSION_MATRIX_FILE)


def _figure(width: float, height: float) -> tuple[Any, Any]:
    # Not pyplot: it keeps figures, and asks for a display.
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.add_subplot()


def _save(figure: Any, file: Path) -> Path:
    try:
        figure.savefig(file, dpi=120)
    except OSError as error:
        raise UserError(
            f"--output_dir: {file} cannot be written ({error.strerror}): make room or name another "
            "directory."
        ) from error
    return file
