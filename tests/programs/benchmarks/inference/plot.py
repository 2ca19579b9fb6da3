"""Draws the times of a results file as SVG: how many times as long as ours the others take.

    python -m tests.programs.benchmarks.inference.plot RESULTS.json OUTPUT.svg

A bar to the right of the line at 1 is a contestant that takes longer than ours, a bar to the
left one that is faster. Only float32 is drawn, against ours in float32.
"""

import json
import math
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

_OURS = "ours"
# The contestants that are drawn, in this order: name -> words, colour.
_DRAWN: Mapping[str, tuple[str, str]] = {
    "padded": ("a padded graph", "#9aa5b1"),
    "hf-tf": ("transformers, TensorFlow", "#e69f00"),
    "torch": ("transformers, PyTorch", "#d55e00"),
    "onnx": ("ONNX Runtime", "#0072b2"),
}

_WIDTH, _LABELS, _RIGHT, _TOP, _BOTTOM = 760, 130, 60, 70, 34
_BAR, _GAP = 9, 12
_TICKS = (0.5, 1, 2, 5, 10, 20)
_LEAST, _MOST = 0.5, 30.0
_FONT = "font-family='sans-serif'"


def to_svg(results: Mapping[str, Any]) -> str:
    """The chart of one results file."""
    times = {request: cells for request, cells in results["times"].items() if _drawn(cells)}
    height = _TOP + _BOTTOM
    height += sum(_GAP + _BAR * len(_drawn(cells)) for cells in times.values())
    lines = [
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{_WIDTH}' height='{height}' "
        f"viewBox='0 0 {_WIDTH} {height}'>",
        f"<rect width='{_WIDTH}' height='{height}' fill='white'/>",
        _text(
            12,
            20,
            f"Text to probabilities, {results['model']}, float32, "
            f"{results['threads']} cores: times as long as ours",
            size=14,
            weight="bold",
        ),
        _text(12, 38, f"{results['processor']}; {results['date']}", size=11, fill="#555"),
        *_legend(),
        *_axis(height),
        *_bars(times),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _drawn(cells: Mapping[str, Any]) -> dict[str, float]:
    """contestant -> how many times as long as ours it takes, of those that are drawn."""
    if _OURS not in cells:
        return {}
    ours = cells[_OURS]["median_seconds"]
    return {name: cells[name]["median_seconds"] / ours for name in _DRAWN if name in cells}


def _place(ratio: float) -> float:
    """Where a ratio is from left to right, on a logarithmic scale."""
    share = math.log(ratio / _LEAST) / math.log(_MOST / _LEAST)
    return _LABELS + share * (_WIDTH - _LABELS - _RIGHT)


def _legend() -> Iterator[str]:
    place = 12
    for words, colour in _DRAWN.values():
        yield f"<rect x='{place}' y='48' width='11' height='11' fill='{colour}'/>"
        yield _text(place + 16, 58, words, size=11)
        place += 34 + 7 * len(words)


def _axis(height: int) -> Iterator[str]:
    for tick in _TICKS:
        place = _place(tick)
        colour, width = ("#333", 1.5) if tick == 1 else ("#ddd", 1)
        yield (
            f"<line x1='{place:.1f}' x2='{place:.1f}' y1='{_TOP}' y2='{height - _BOTTOM + 6}' "
            f"stroke='{colour}' stroke-width='{width}'/>"
        )
        yield _text(place, height - 12, f"{tick:g}", size=11, anchor="middle")


def _bars(times: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    top = _TOP + _GAP / 2
    for request, cells in times.items():
        ratios = _drawn(cells)
        middle = top + _BAR * len(ratios) / 2 + 4
        yield _text(_LABELS - 12, middle, request, size=12, anchor="end")
        for name, ratio in ratios.items():
            left, right = sorted((_place(1), _place(ratio)))
            yield (
                f"<rect x='{left:.1f}' y='{top:.1f}' width='{right - left:.1f}' "
                f"height='{_BAR - 1}' fill='{_DRAWN[name][1]}'/>"
            )
            # Beside the bar's end, on the side away from the line at 1.
            beside, anchor = (right + 4, "start") if ratio >= 1 else (left - 4, "end")
            yield _text(beside, top + _BAR - 1, f"{ratio:.1f}", size=9, anchor=anchor)
            top += _BAR
        top += _GAP


def _text(
    x: float,
    y: float,
    words: str,
    *,
    size: int,
    anchor: str = "start",
    fill: str = "#222",
    weight: str = "normal",
) -> str:
    return (
        f"<text x='{x:.1f}' y='{y:.1f}' {_FONT} font-size='{size}' font-weight='{weight}' "
        f"text-anchor='{anchor}' fill='{fill}'>{escape(words)}</text>"
    )


if __name__ == "__main__":
    _results = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    Path(sys.argv[2]).write_text(to_svg(_results), encoding="utf-8")
