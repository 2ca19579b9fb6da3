"""bert-tensorflow, whose top-level package is `bert` too, and other packages of that name."""

import os
from pathlib import Path

import pytest

from tests.exporter.command import assert_refused, run
from tests.repository import ROOT
from tests.tiny_model import TinyModel

_OTHERS = {
    "bert-tensorflow": ("1.0.4", ("modeling", "tokenization", "run_classifier")),
    "bert-for-tf2": ("0.14.9", ("attention", "embeddings", "layer", "loader", "model")),
}


@pytest.fixture(params=_OTHERS)
def other(request: pytest.FixtureRequest) -> str:
    """The name of another package with a top-level `bert`."""
    return str(request.param)


@pytest.fixture
def site(other: str, tmp_path: Path) -> Path:
    """What `pip install` of it leaves in a site directory."""
    version, modules = _OTHERS[other]
    package = tmp_path / "site" / "bert"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    for name in modules:
        (package / f"{name}.py").write_text("raise ImportError('tensorflow.contrib')\n")
    metadata = tmp_path / "site" / f"{other.replace('-', '_')}-{version}.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {other}\nVersion: {version}\n"
    )
    return tmp_path / "site"


def path(*directories: Path) -> dict[str, str]:
    """An environment with these directories first on the path, and not the current one."""
    return {"PYTHONPATH": os.pathsep.join(map(str, directories)), "PYTHONSAFEPATH": "1"}


def test_in_our_place_it_is_named(
    other: str, site: Path, tiny_model: TinyModel, tmp_path: Path
) -> None:
    outcome = run(
        f"--checkpoint={tiny_model.prefix}",
        f"--export_dir={tmp_path / 'models'}",
        environment=path(site, ROOT),
        working_directory=tmp_path,
    )
    assert_refused(outcome, other, _OTHERS[other][0], "pip uninstall", str(site))
    assert not (tmp_path / "models").exists()


def test_after_its_removal(tiny_model: TinyModel, tmp_path: Path) -> None:
    """pip has removed the `__init__.py` that both packages had."""
    (tmp_path / "site" / "bert").mkdir(parents=True)
    (tmp_path / "site" / "exporter").symlink_to(ROOT / "exporter")
    outcome = run(
        f"--checkpoint={tiny_model.prefix}",
        f"--export_dir={tmp_path / 'models'}",
        environment=path(tmp_path / "site"),
        working_directory=tmp_path,
    )
    assert_refused(outcome, "`__init__.py`", "--force-reinstall")


def test_behind_us_it_does_no_harm(site: Path, tiny_model: TinyModel, tmp_path: Path) -> None:
    outcome = run(
        f"--checkpoint={tiny_model.prefix}",
        f"--export_dir={tmp_path / 'models'}",
        "--version=1",
        environment=path(ROOT, site),
        working_directory=tmp_path,
    )
    assert outcome.code == 0, outcome.errors
    assert (tmp_path / "models" / "1" / "saved_model.pb").is_file()


def test_a_clone_of_the_original_in_the_current_directory(
    tiny_model: TinyModel, tmp_path: Path
) -> None:
    """`git clone google-research/bert` makes a directory `bert` with an `__init__.py`."""
    clone = tmp_path / "work" / "bert"
    clone.mkdir(parents=True)
    for name in ("__init__", "modeling", "tokenization", "run_classifier"):
        (clone / f"{name}.py").write_text("")
    outcome = run(
        f"--checkpoint={tiny_model.prefix}",
        f"--export_dir={tmp_path / 'models'}",
        environment={"PYTHONPATH": str(ROOT)},
        working_directory=clone.parent,
    )
    assert_refused(outcome, str(clone))
    assert not (tmp_path / "models").exists()
