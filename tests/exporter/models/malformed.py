"""Broken models: each is refused with one sentence, and nothing is left."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.exporter.command import assert_refused, run_here


class Malformed(NamedTuple):
    """How to write a broken model, the words of the sentence, and the flags of the command."""

    write: Callable[[Path], object]
    told: tuple[str, ...]
    flags: tuple[str, ...] = ()

    def assert_refused(self, capture: pytest.CaptureFixture[str], scratch: Path) -> None:
        """Writes `scratch / "model"` and exports it; the export leaves nothing in `scratch`."""
        self.write(scratch / "model")
        before = sorted(scratch.rglob("*"))
        outcome = run_here(
            capture,
            f"--checkpoint={scratch / 'model'}",
            f"--export_dir={scratch / 'served' / 'tiny'}",
            *self.flags,
        )
        assert_refused(outcome, *self.told)
        assert sorted(scratch.rglob("*")) == before
