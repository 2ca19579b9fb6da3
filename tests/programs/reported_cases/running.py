"""Runs the project's commands on a case, and asks its exports and the library."""

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.repository import ROOT

# One process after the other: the longest here audits an endless loop.
_SECONDS = 900


class Wrong(Exception):
    """What a case came to, where that is not what is right."""


@dataclasses.dataclass(frozen=True)
class Case:
    """A folder of the cases in a scratch copy, with the Pythons of the library's versions."""

    cases: Path
    scratch: Path
    judges: Sequence[Path]

    def model(self, folder: str) -> Path:
        """The directory that the folder's make.py writes."""
        if not (self.cases / folder / "model").exists():
            self.run(sys.executable, str(self.cases / folder / "make.py"))
        return self.cases / folder / "model"

    def run(self, *command: str, environment: Mapping[str, str] | None = None) -> str:
        """Standard output of a command that must succeed."""
        result = self.outcome(*command, environment=environment)
        if result.returncode:
            raise Wrong(f"exit code {result.returncode}: {result.stderr[-300:]}")
        return result.stdout

    def outcome(
        self, *command: str, environment: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """What a command came to."""
        inherited = {**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})}
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd=self.scratch,
            env=inherited,
            timeout=_SECONDS,
        )

    def export(self, model: Path | str, *flags: str) -> subprocess.CompletedProcess[str]:
        """The export command on a model, into `out` of the scratch directory."""
        command = (sys.executable, "-m", "exporter", f"--checkpoint={model}", "--export_dir=out")
        return self.outcome(*command, "--nowarmup", "--noverify", *flags)

    def refused(self, model: Path | str, *told: str, flags: Sequence[str] = ()) -> None:
        """Exports, and looks for one sentence with these words, and for nothing in `out`."""
        result = self.export(model, *flags)
        sentence = result.stderr.strip().splitlines()[-1]
        if (
            result.returncode != 1
            or "Traceback" in result.stderr
            or (self.scratch / "out").exists()
        ):
            raise Wrong(f"exit code {result.returncode}: {result.stderr[-300:]}")
        for words in told:
            if words not in sentence:
                raise Wrong(f"{words!r} is not in: {sentence}")

    def exported(self, model: Path, *flags: str) -> None:
        """Exports a model that is right."""
        result = self.export(model, *flags)
        if result.returncode:
            raise Wrong(f"exit code {result.returncode}: {result.stderr[-300:]}")

    def ask(self, signature: str, *texts: str) -> dict[str, Any]:
        """What the export says."""
        printed = self.run(sys.executable, str(self.cases / "ask.py"), "out", signature, *texts)
        return dict(json.loads(printed.splitlines()[-1]))

    def judged(self, kind: str, model: Path, *texts: str) -> list[dict[str, Any]]:
        """What each version of the library says; None's place has one that does not read it."""
        said = []
        for judge in self.judges:
            result = self.outcome(
                str(judge), str(self.cases / "library.py"), kind, str(model), *texts
            )
            if result.returncode == 0:
                said.append(dict(json.loads(result.stdout.splitlines()[-1])))
        if not said:
            raise Wrong(f"no version of the library reads it: {result.stderr[-300:]}")
        return said
