"""Draws the times of a results file: how many times as long as ours the others take.

    python -m tests.programs.benchmarks.inference.plot RESULTS.json OUTPUT.png

Runs where matplotlib is, which the project's own environment does not have.
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("agg")

from matplotlib import pyplot

_OURS = "ours"
_SUFFIX = "-bf16"
_INCHES = (10.0, 4.2)
_DOTS_PER_INCH = 80
_GROUP_WIDTH = 0.84


def plot(results_file: Path, output: Path) -> None:
    results = json.loads(results_file.read_text(encoding="utf-8"))
    times = results["times"]
    names = list(dict.fromkeys(name for cells in times.values() for name in cells))
    # Each against ours in the same precision.
    pairs = [
        (name, _OURS + (_SUFFIX if name.endswith(_SUFFIX) else ""))
        for name in names
        if not name.startswith(_OURS)
    ]
    figure, axes = pyplot.subplots(figsize=_INCHES, dpi=_DOTS_PER_INCH)
    width = _GROUP_WIDTH / len(pairs)
    for number, (name, ours) in enumerate(pairs):
        places, ratios = [], []
        for place, cells in enumerate(times.values()):
            theirs, own = (cells.get(key, {}).get("median_seconds") for key in (name, ours))
            if theirs and own:
                places.append(place + (number - (len(pairs) - 1) / 2) * width)
                ratios.append(theirs / own)
        if places:
            bars = axes.bar(places, ratios, width, label=f"{name} / {ours}")
            axes.bar_label(bars, fmt="%.1f", fontsize=6, rotation=90, padding=2)
    axes.axhline(1.0, color="black", linewidth=0.8)
    axes.set_yscale("log")
    axes.set_yticks([0.5, 1, 2, 5, 10, 20], ["0.5", "1", "2", "5", "10", "20"])
    axes.margins(y=0.15)
    axes.set_xticks(range(len(times)), list(times), fontsize=8)
    axes.set_ylabel("times as long as ours")
    axes.set_title(
        f"{results['model']}, text to probabilities, {results['threads']} threads", fontsize=10
    )
    axes.legend(fontsize=7, ncols=3)
    figure.tight_layout()
    figure.savefig(output)


if __name__ == "__main__":
    plot(Path(sys.argv[1]), Path(sys.argv[2]))
