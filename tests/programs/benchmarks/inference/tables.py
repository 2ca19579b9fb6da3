"""The results in words: plain text tables of a results file."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bert.config import BertConfig
from tests.programs.benchmarks.inference.operations import floating_point_operations, weight_bytes
from tests.programs.benchmarks.inference.registry import (
    BFLOAT16,
    FLOAT32,
    INT8,
    OURS,
    OURS_BFLOAT16,
    OURS_INT8,
    entrants,
)

_MISSING = "-"
_BYTES = {FLOAT32: 4, BFLOAT16: 2}


def all_tables(results: Mapping[str, Any], config: BertConfig) -> str:
    """Every table that the results have figures for."""
    tables = []
    if results.get("times"):
        tables += [_times(results["times"]), _ratios(results["times"])]
    tables += [_task(task, requests) for task, requests in results.get("tasks", {}).items()]
    if results.get("times") and results.get("limits"):
        tables.append(_limits(results, config))
    if results.get("loading"):
        tables.append(_loading(results["loading"]))
    if results.get("memory"):
        tables.append(_memory(results["memory"]))
    return "\n\n".join(tables)


def _times(times: Mapping[str, Mapping[str, Any]]) -> str:
    names = _contestants(times)
    rows = [["milliseconds, median", *names]]
    for request, cells in times.items():
        rows.append([request, *(_milliseconds(_median(cells, name)) for name in names)])
    return _aligned(rows)


def _ratios(times: Mapping[str, Mapping[str, Any]]) -> str:
    """How many times as long as ours each contestant takes, each against ours of its precision."""
    known = entrants(warmup=False)
    ours = {FLOAT32: OURS, BFLOAT16: OURS_BFLOAT16, INT8: OURS_INT8}
    pairs = {
        name: (name, ours[known[name].precision])
        for name in _contestants(times)
        if name not in ours.values()
    }
    for other in (OURS_BFLOAT16, OURS_INT8):
        pairs[f"{OURS} / {other}"] = (OURS, other)
    rows = [["times as long as ours", *pairs]]
    for request, cells in times.items():
        ratios = [_ratio(cells, *pair) for pair in pairs.values()]
        rows.append([request, *(f"{ratio:.2f}" if ratio else _MISSING for ratio in ratios)])
    return _aligned(rows)


def _task(task: str, requests: Mapping[str, Mapping[str, Any]]) -> str:
    """Times, how many times as long as ours others take, and our share outside the encoder."""
    names = list(next(iter(requests.values()))["times"])
    others = [name for name in names if name != OURS and OURS in names]
    rows = [
        [
            f"{task}, ms",
            *names,
            *(f"{name} / {OURS}" for name in others),
            *(["outside encoder"] if OURS in names else []),
        ]
    ]
    for request, figures in requests.items():
        times = figures["times"]
        row = [request, *(_milliseconds(_median(times, name)) for name in names)]
        for name in others:
            ratio = _ratio(times, name, OURS)
            row.append(f"{ratio:.2f}" if ratio else _MISSING)
        if OURS in names:
            row.append(f"{figures['share_outside_encoder']:.1%}")
        rows.append(row)
    return _aligned(rows)


def _limits(results: Mapping[str, Any], config: BertConfig) -> str:
    limits = results["limits"]
    lines = [
        f"memory is read at {limits['read_bytes_per_second'] / 1e9:.1f} GB/s, products run at "
        + " and ".join(
            f"{limits[f'{precision}_operations_per_second'] / 1e9:.0f} GFLOP/s in {precision}"
            for precision in _BYTES
        )
    ]
    rows = [
        ["", "precision", "GFLOP", "products, ms", "weights, ms", "ours, ms", "of rate", "x limit"]
    ]
    for request, cells in results["times"].items():
        operations = floating_point_operations(config, results["lengths"][request])
        for name, precision in ((OURS, FLOAT32), (OURS_BFLOAT16, BFLOAT16)):
            ours = _median(cells, name)
            if ours is None:
                continue
            rate = limits[f"{precision}_operations_per_second"]
            reading = weight_bytes(config, _BYTES[precision]) / limits["read_bytes_per_second"]
            products = operations / rate
            rows.append(
                [
                    request,
                    precision,
                    f"{operations / 1e9:.2f}",
                    _milliseconds(products),
                    _milliseconds(reading),
                    _milliseconds(ours),
                    f"{products / ours:.0%}",
                    f"{ours / max(products, reading):.2f}",
                ]
            )
    return "\n".join([*lines, _aligned(rows)])


def _loading(loading: Mapping[str, Mapping[str, float]]) -> str:
    rows = [["", "load, s", "first request, ms", "later ones, ms", "on disk, MB"]]
    for name, figures in loading.items():
        rows.append(
            [
                name,
                f"{figures['load_seconds']:.1f}",
                _milliseconds(figures["first_request_seconds"]),
                _milliseconds(figures["steady_request_seconds"]),
                f"{figures['artefact_bytes'] / 1e6:.0f}",
            ]
        )
    return _aligned(rows)


def _memory(memory: Mapping[str, Mapping[str, Any]]) -> str:
    requests = list(dict.fromkeys(request for peaks in memory.values() for request in peaks))
    rows = [["peak above the loaded model, MB", "loaded, MB", *requests]]
    for name, peaks in memory.items():
        loaded = [peak["loaded_bytes"] for peak in peaks.values() if peak]
        row = [name, f"{min(loaded) / 1e6:.0f}" if loaded else _MISSING]
        for request in requests:
            peak = peaks.get(request)
            row.append(f"{peak['above_loaded_bytes'] / 1e6:.0f}" if peak else _MISSING)
        rows.append(row)
    return _aligned(rows)


def _contestants(times: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Those with figures, in the order of the registry."""
    present = {name for cells in times.values() for name in cells}
    return [name for name in entrants(warmup=False) if name in present]


def _median(cells: Mapping[str, Any], name: str) -> float | None:
    return cells[name]["median_seconds"] if name in cells else None


def _ratio(cells: Mapping[str, Any], name: str, ours: str) -> float | None:
    theirs, own = _median(cells, name), _median(cells, ours)
    return theirs / own if theirs and own else None


def _milliseconds(seconds: float | None) -> str:
    if seconds is None:
        return _MISSING
    milliseconds = seconds * 1e3
    return f"{milliseconds:,.0f}" if milliseconds >= 1000 else f"{milliseconds:.1f}"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns as wide as their widest cell: the first to the left, the others to the right."""

    def lines() -> Iterator[str]:
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for first, *others in rows:
            cells = [cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True)]
            yield "  ".join([first.ljust(widths[0]), *cells]).rstrip()

    return "\n".join(lines())
