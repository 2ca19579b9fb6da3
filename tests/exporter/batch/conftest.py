import json
from pathlib import Path

import pytest

from tests.exporter.batch.command import TEXTS


@pytest.fixture
def inputs(tmp_path: Path) -> Path:
    """Three files of ten rows."""
    directory = tmp_path / "in"
    directory.mkdir()
    for number in range(3):
        lines = [
            json.dumps({"n": number * 10 + place, "text": text})
            for place, text in enumerate(TEXTS[number * 10 : number * 10 + 10])
        ]
        (directory / f"{number}.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return directory
