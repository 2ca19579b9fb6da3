"""From text to probabilities, side by side with what others do, and where the time goes.

scripts/benchmark --profile
"""

import argparse
import json
from pathlib import Path

from tests.benchmarks.inference.artefacts import ROOT, export_for_serving
from tests.benchmarks.inference.checkpoints import MODELS, write_checkpoint
from tests.benchmarks.inference.requests import Request, standard_requests

_MINILM = ROOT / "build" / "minilm"
_FOLDER = ROOT / "build" / "benchmark"


def main() -> None:
    """Prints what the flags ask for, and writes it as JSON where --json says."""
    arguments = _arguments()
    requests = _chosen(standard_requests(_MINILM / "vocab.txt"), arguments.shapes)
    folder = _FOLDER / arguments.model
    results = _profile(arguments, folder, requests)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="benchmark",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", choices=MODELS, default=MODELS[0], help="default: %(default)s")
    parser.add_argument("--shapes", help="requests to time, with commas; default: all")
    parser.add_argument("--json", type=Path, help="also write the figures there")
    profiling = parser.add_argument_group("profile")
    profiling.add_argument("--profile", action="store_true", help="op times of our graph")
    profiling.add_argument("--checkpoint", type=Path, help="profile an export of this instead")
    profiling.add_argument("--saved_model", type=Path, help="profile this version directory")
    profiling.add_argument("--precision", default="float32", help="of the export profiled")
    arguments = parser.parse_args()
    if not arguments.profile:
        parser.error("only --profile is built yet")
    return arguments


def _chosen(requests: dict[str, Request], names: str | None) -> list[Request]:
    """Those named, with commas, or all; "1x8" is "1 x 8"."""
    if names is None:
        return list(requests.values())
    by_short_name = {name.replace(" ", ""): request for name, request in requests.items()}
    chosen = []
    for name in names.split(","):
        if name.replace(" ", "") not in by_short_name:
            raise SystemExit(f"--shapes has {name!r}, where these are known: {', '.join(requests)}")
        chosen.append(by_short_name[name.replace(" ", "")])
    return chosen


def _profile(arguments: argparse.Namespace, folder: Path, requests: list[Request]) -> dict:
    from tests.benchmarks.inference.profile_report import profile_requests

    version = arguments.saved_model
    if version is None:
        checkpoint = arguments.checkpoint
        if checkpoint is None:
            checkpoint = write_checkpoint(arguments.model, _MINILM, folder / "checkpoint")
        version = export_for_serving(
            checkpoint, folder / "profiled", arguments.precision, warmup=False
        )
    return profile_requests(version, requests)


if __name__ == "__main__":
    main()
