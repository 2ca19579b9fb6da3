"""Where nothing can be written: exit code 1, one sentence, and nothing new under --export_dir."""

import resource
import tempfile
from pathlib import Path

import pytest

from tests.exporter.command import assert_refused, run, run_here
from tests.exporter.disks import disk, read_only_disk
from tests.tiny_model import TinyModel


@pytest.fixture
def export_dir(tmp_path: Path) -> Path:
    return tmp_path / "models" / "tiny"


@pytest.mark.parametrize("below", ["", "tiny"])
def test_a_file_in_place_of_the_directory(
    below: str, tiny_model: TinyModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.write_text("mine")
    outcome = run_here(capfd, f"--checkpoint={tiny_model.prefix}", f"--export_dir={file / below}")
    assert_refused(outcome, "--export_dir", str(file))
    assert file.read_text() == "mine"


def test_a_read_only_disk(
    tiny_model: TinyModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with read_only_disk(tmp_path / "disk") as directory:
        outcome = run_here(
            capfd, f"--checkpoint={tiny_model.prefix}", f"--export_dir={directory / 'tiny'}"
        )
    assert_refused(outcome, "--export_dir", str(directory))


@pytest.mark.parametrize("kilobytes", [4, 16, 24, 100, 400, 800])
def test_a_full_disk(
    kilobytes: int, tiny_model: TinyModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The room ends in the variables, in the graph, or before them."""
    with disk(tmp_path / "disk", f"size={kilobytes}k") as mounted:
        if mounted is None:  # warned of; test_a_file_size_limit needs no mount
            return
        outcome = run_here(
            capfd, f"--checkpoint={tiny_model.prefix}", f"--export_dir={mounted / 'tiny'}"
        )
        assert_refused(outcome, "--export_dir", str(mounted))
        assert list(mounted.iterdir()) == []


def test_no_room_for_the_report(
    tiny_model: TinyModel,
    tiny_export: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The last file of an export: all others fit, to the page."""
    report = tiny_export / "assets.extra" / "export.json"
    others = [path for path in tiny_export.rglob("*") if path.is_file() and path != report]
    pages = sum(-(-path.stat().st_size // 4096) for path in others)
    with disk(tmp_path / "disk", f"size={pages * 4}k") as mounted:
        if mounted is None:  # warned of
            return
        outcome = run_here(
            capfd,
            f"--checkpoint={tiny_model.prefix}",
            f"--export_dir={mounted / 'tiny'}",
            "--labels=negative,neutral,positive",
            "--nowarmup",
            "--noverify",
        )
        assert_refused(outcome, "--export_dir", str(mounted))
        assert list(mounted.iterdir()) == []


def test_no_room_for_temporary_files(
    tiny_model: TinyModel,
    export_dir: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The verification writes its request to TMPDIR."""
    with disk(tmp_path / "disk", "size=4k") as mounted:
        if mounted is None:  # warned of
            return
        monkeypatch.setattr(tempfile, "tempdir", str(mounted))
        outcome = run_here(capfd, f"--checkpoint={tiny_model.prefix}", f"--export_dir={export_dir}")
        assert_refused(outcome, "TMPDIR", str(mounted))
    assert not export_dir.parent.exists()


def test_a_file_size_limit(tiny_model: TinyModel, export_dir: Path) -> None:
    """In a process of its own, since a limit once set stays."""
    limit = 20_000
    outcome = run(
        f"--checkpoint={tiny_model.prefix}",
        f"--export_dir={export_dir}",
        before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert_refused(outcome, "--export_dir", str(export_dir))
    assert not export_dir.parent.exists()
