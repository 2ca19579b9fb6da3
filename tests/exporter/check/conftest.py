"""A small model, and trials in this process."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from exporter.check import trial as trial_module
from exporter.check.limits import Limits
from exporter.check.steps import run_steps
from tests.exporter.preview.models import (
    save_classifier,
)


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model whose input has a guard; copy it before changing anything in it."""
    return save_classifier(tmp_path_factory.mktemp("classifier") / "1")


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares the process of its own where no request is deadly."""

    def run_process(
        directory: Path, progress: Path, steps: Sequence[int], limits: Limits, watch: object
    ) -> None:
        # Without alarms, which would end the tests.
        run_steps(str(directory), str(progress), json.dumps(steps), "0", "0")

    monkeypatch.setattr(trial_module, "_run_process", run_process)
