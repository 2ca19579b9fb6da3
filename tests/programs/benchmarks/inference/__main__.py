"""From text to probabilities, side by side with what others do, and where the time goes.

    scripts/benchmark                        times, then loading, then the machine's limits
    scripts/benchmark --task tagging,embedding,question-answering
                                             the same of other tasks, and our share outside BERT
    scripts/benchmark --memory               peaks of large requests; minutes
    scripts/benchmark --profile              op times of our own graph
    scripts/benchmark --tables results.json  the tables of earlier runs

Every contestant is a process of its own on two cores, and stopped while another is measured.
"""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.programs.benchmarks.inference.artefacts import export_for_serving
from tests.programs.benchmarks.inference.benchmark import FOLDER, VOCABULARY, Benchmark
from tests.programs.benchmarks.inference.checkpoints import BERT_BASE, MINILM, MODELS
from tests.programs.benchmarks.inference.contest import Disagreement
from tests.programs.benchmarks.inference.contestant import ContestantDied
from tests.programs.benchmarks.inference.plot import to_svg
from tests.programs.benchmarks.inference.registry import entrants
from tests.programs.benchmarks.inference.requests import Request, standard_requests
from tests.programs.benchmarks.inference.tables import all_tables
from tests.programs.benchmarks.inference.tasks import TASKS

_SECTIONS = ("times", "loading", "limits", "memory")
_DEFAULT_SECTIONS = _SECTIONS[:3]
_ROUNDS, _QUICK_ROUNDS = 5, 1
_QUICK_SHAPES = "1x8,1x20,16mixed"


def main() -> None:
    """Does what the flags ask for."""
    arguments = _arguments()
    if arguments.tables:
        results = json.loads(arguments.tables.read_text(encoding="utf-8"))
        print(all_tables(results, Benchmark(results["model"], [], results).config))
        if arguments.plot:
            arguments.plot.write_text(to_svg(results), encoding="utf-8")
        return
    tasks = _chosen(TASKS, arguments.task, "--task") if arguments.task else []
    requests = _chosen(standard_requests(VOCABULARY), arguments.shapes, "--shapes")
    is_bert = arguments.model in (BERT_BASE, MINILM)
    if tasks and not is_bert:
        sys.exit(f"--model is {arguments.model}, where --task has heads for {BERT_BASE}, {MINILM}")
    known = {
        name: name
        for name, entrant in entrants(warmup=False).items()
        if is_bert or not entrant.of_bert
    }
    if tasks:
        known = {name: name for task in tasks for name in task.contestants}
    names = _chosen(known, arguments.contestants, "--contestants")
    benchmark = Benchmark(arguments.model, names, _earlier(arguments))
    if arguments.prepare:
        benchmark.prepare(tasks)
    elif arguments.profile:
        _write(arguments.json, _profile(arguments, benchmark, requests))
    else:
        try:
            for section in () if tasks else arguments.sections:
                if section == "times":
                    benchmark.times(requests, arguments.rounds)
                else:
                    getattr(benchmark, section)()
                _write(arguments.json, benchmark.results)
            for task in tasks:
                benchmark.task(task, arguments.rounds)
                _write(arguments.json, benchmark.results)
        except (Disagreement, ContestantDied) as error:
            sys.exit(f"benchmark: {error}")
        print(all_tables(benchmark.results, benchmark.config))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmark",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", choices=MODELS, default=MODELS[0], help="default: %(default)s")
    parser.add_argument("--shapes", help="requests to time, with commas; default: all")
    parser.add_argument("--task", help=f"time these instead, with commas: {', '.join(TASKS)}")
    parser.add_argument("--contestants", help="who takes part, with commas; default: all")
    parser.add_argument("--rounds", type=int, help=f"default: {_ROUNDS}")
    parser.add_argument(
        "--quick", action="store_true", help=f"one round of {_QUICK_SHAPES} and nothing else"
    )
    parser.add_argument("--prepare", action="store_true", help="only make what is to be loaded")
    for section in _SECTIONS:
        parser.add_argument(f"--{section}", action="store_true", help=f"only {section}")
    parser.add_argument(
        "--json", type=Path, help="results file; what else it has of this model is kept"
    )
    parser.add_argument("--tables", type=Path, help="print the tables of this results file")
    parser.add_argument("--plot", type=Path, help="with --tables: also draw the times, as SVG")
    profiling = parser.add_argument_group("profile")
    profiling.add_argument("--profile", action="store_true", help="op times of our graph")
    profiling.add_argument("--checkpoint", type=Path, help="profile an export of this instead")
    profiling.add_argument("--saved_model", type=Path, help="profile this version directory")
    profiling.add_argument("--precision", default="float32", help="of the export profiled")
    arguments = parser.parse_args()
    arguments.sections = [name for name in _SECTIONS if getattr(arguments, name)]
    if arguments.task and (arguments.sections or arguments.shapes or arguments.profile):
        parser.error(
            "--task has requests of its own and goes with no other section and no --shapes"
        )
    if arguments.quick:
        arguments.sections = ["times"]
        arguments.shapes = arguments.shapes or _QUICK_SHAPES
        arguments.rounds = arguments.rounds or _QUICK_ROUNDS
    arguments.sections = arguments.sections or _DEFAULT_SECTIONS
    arguments.rounds = arguments.rounds or _ROUNDS
    return arguments


def _chosen(known: Mapping[str, Any], names: str | None, flag: str) -> list[Any]:
    """Those named, with commas, or all; "1x8" is "1 x 8"."""
    if names is None:
        return list(known.values())
    by_short_name = {name.replace(" ", ""): value for name, value in known.items()}
    wanted = [name.replace(" ", "") for name in names.split(",")]
    unknown = [name for name in wanted if name not in by_short_name]
    if unknown:
        sys.exit(f"{flag} has {unknown[0]!r}, where these are known: {', '.join(known)}")
    return [by_short_name[name] for name in wanted]


def _earlier(arguments: argparse.Namespace) -> dict[str, Any]:
    """What the results file has of this model."""
    if arguments.profile or not (arguments.json and arguments.json.exists()):
        return {}
    results = json.loads(arguments.json.read_text(encoding="utf-8"))
    return results if results["model"] == arguments.model else {}


def _write(file: Path | None, results: Mapping[str, Any]) -> None:
    if file is not None:
        file.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")


def _profile(
    arguments: argparse.Namespace, benchmark: Benchmark, requests: list[Request]
) -> dict[str, Any]:
    from tests.programs.benchmarks.inference.profile_report import profile_requests

    version = arguments.saved_model or export_for_serving(
        arguments.checkpoint or benchmark.checkpoint,
        FOLDER / ("given" if arguments.checkpoint else arguments.model),
        arguments.precision,
        warmup=False,
    )
    return profile_requests(version, requests)


if __name__ == "__main__":
    main()
