"""What is installed: every file of both wings that is no document."""

import subprocess
import sys
from pathlib import Path

from tests.repository import ROOT


def test_every_file_is_installed(tmp_path: Path) -> None:
    built = tmp_path / "built"
    command = [sys.executable, "setup.py", "--quiet", "egg_info", f"--egg-base={tmp_path}"]
    command += ["build_py", f"--build-lib={built}"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    tracked = subprocess.run(
        ["git", "ls-files", "bert", "exporter"], cwd=ROOT, capture_output=True, text=True
    ).stdout.split()
    assert tracked
    expected = {Path(name) for name in tracked if not name.endswith(".md")}
    found = {file.relative_to(built) for file in built.rglob("*") if file.is_file()}
    assert found == expected
