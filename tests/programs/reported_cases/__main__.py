"""Runs every reported case: the right value, or the right refusal.

    python -m tests.programs.reported_cases FOLDER [NAME ...]

FOLDER holds the cases, each in a folder with a README or a script, beside ask.py and library.py.
Prints a line for each, and exits with 1 if one of them is wrong.
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

from tests.oracles.transformers_environment import TransformersEnvironment
from tests.programs.reported_cases.models import MODELS
from tests.programs.reported_cases.running import Case, Wrong
from tests.programs.reported_cases.safety import SAFETY


def main() -> int:
    """The exit code."""
    given = Path(sys.argv[1])
    checks = {**MODELS, **SAFETY}
    names = sys.argv[2:] or sorted(checks)
    judges = [TransformersEnvironment(name).python for name in ("transformers", "transformers4")]
    folders = {path.name for path in given.iterdir() if re.match(r"R\d\d-|N-", path.name)}
    untold = folders - set(checks)
    wrong = len(untold)
    for name in sorted(untold):
        print(f"WRONG  {name}: no check of it", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        cases = Path(shutil.copytree(given, Path(folder) / "cases"))
        for name in names:
            scratch = Path(folder) / name
            scratch.mkdir()
            try:
                told = checks[name](Case(cases, scratch, judges))
            except Wrong as error:
                wrong += 1
                print(f"WRONG  {name}: {error}", flush=True)
            else:
                print(f"right  {name}: {told}", flush=True)
    print(f"{len(names)} cases, {wrong} wrong")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
