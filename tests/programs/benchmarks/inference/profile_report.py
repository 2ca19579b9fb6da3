"""The profile of a graph in words: op time by stage, and the most expensive ops."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.programs.benchmarks.inference.graph_profile import GraphProfiler, Profile
from tests.programs.benchmarks.inference.graph_stages import ENCODER, LAYOUT, STAGES, TEXT
from tests.programs.benchmarks.inference.requests import Request

_KINDS = {ENCODER: 14, TEXT: 5, LAYOUT: 3}


def profile_requests(directory: Path, requests: Iterable[Request]) -> dict[str, Any]:
    """Prints the profile of every request as it is made; the same for JSON."""
    profiler = GraphProfiler(directory)
    profiles: dict[str, Profile] = {}
    for request in requests:
        profiles[request.name] = profiler.profile(request.texts)
        print("\n" + "\n".join(_details(request.name, profiles[request.name])), flush=True)
    print("\n" + "\n".join(_summary(profiles)), flush=True)
    return {name: _as_json(profile) for name, profile in profiles.items()}


def _details(name: str, profile: Profile) -> Iterator[str]:
    yield (
        f"{name}: {profile.latency_ms:.2f} ms untraced; traced: {profile.span_ms:.2f} ms from the "
        f"first op to the last, {profile.span_ms - profile.busy_ms:.2f} of them with no op running"
    )
    for stage in STAGES:
        runs = sum(node.runs for node in profile.nodes if node.stage == stage)
        milliseconds = profile.stage_ms(stage)
        yield (
            f"  {stage:<8} {milliseconds:>9.3f} ms {milliseconds / profile.total_ms:>7.2%}  "
            f"in {runs} ops"
        )
        for kind, runs, milliseconds in profile.by_kind(stage)[: _KINDS.get(stage, 3)]:
            share = milliseconds / profile.total_ms
            yield f"    {milliseconds:>9.3f} ms {share:>7.2%}  {runs:>4} x {kind}"


def _summary(profiles: Mapping[str, Profile]) -> Iterator[str]:
    yield (
        f"{'request':<18} {'untraced, ms':>12}  {'op time, ms':>11}"
        + "".join(f" {stage:>8}" for stage in STAGES)
        + "   text + layout"
    )
    for name, profile in profiles.items():
        yield (
            f"{name:<18} {profile.latency_ms:>12.2f}  {profile.total_ms:>11.2f}"
            + "".join(f" {profile.stage_ms(stage):>8.3f}" for stage in STAGES)
            + f" {profile.text_share:>15.2%}"
        )


def _as_json(profile: Profile) -> dict[str, Any]:
    return {
        "latency_ms": profile.latency_ms,
        "span_ms": profile.span_ms,
        "busy_ms": profile.busy_ms,
        "text_share": profile.text_share,
        "stages_ms": {stage: profile.stage_ms(stage) for stage in STAGES},
        "kinds": {stage: profile.by_kind(stage) for stage in STAGES},
    }
