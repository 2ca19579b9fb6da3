"""Prints probes and memory for kubernetes.yaml, from what loading a version took.

    python scripts/deploy/limits.py models/sentiment/1795546021

Three times the measured load is allowed: a busy host, a cold disk, other models beside it. Memory
is twice what the process held after warm-up, since a new version is loaded beside the old one.
"""

import json
import math
import sys
from pathlib import Path

PERIOD_SECONDS = 2
TIMES_THE_LOAD = 3
TIMES_THE_MEMORY = 2


def main(version_directory: str) -> None:
    """Prints the values."""
    report = json.loads(Path(version_directory, "assets.extra/export.json").read_text())
    load = report["load"]
    if load is None:
        sys.exit("export.json has no load: the version was exported with --nowarmup --noverify")
    failures = math.ceil(TIMES_THE_LOAD * load["seconds"] / PERIOD_SECONDS)
    memory = TIMES_THE_MEMORY * load["resident_megabytes"]
    print(
        f"# measured: {load['seconds']} s and {load['resident_megabytes']} MB on "
        f"{load['processors']} processors\n"
        "startupProbe:\n"
        "  httpGet: {path: /v1/models/sentiment, port: rest}\n"
        f"  periodSeconds: {PERIOD_SECONDS}\n"
        f"  failureThreshold: {failures}\n"
        "resources:\n"
        f"  limits: {{memory: {memory}Mi}}"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
