import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from exporter.preview.versions import VersionManager, version_directories
from exporter.runtime.status import Code, StatusError
from tests.exporter.preview.models import save_classifier, text_record, write_warmup

TEXT = {"text": np.array([b"great"], object)}


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier with other answers than the one of `classifier`."""
    return save_classifier(tmp_path_factory.mktemp("other") / "1", bias=1.0)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[VersionManager]:
    manager = VersionManager("clf", tmp_path, {})
    yield manager
    manager.close()


def publish(source: Path, base_path: Path, name: str) -> Path:
    """Copies a version in beside the others, then renames it, as the exporter does."""
    copy = shutil.copytree(source, base_path / f"tmp-{name}")
    return copy.rename(base_path / name)


def states(manager: VersionManager) -> list[tuple[int, str, bool]]:
    return [(s.version, s.state, s.error is None) for s in manager.status("clf", None)]


def answering(manager: VersionManager) -> int:
    with manager.servable("clf", None, None) as (version, servable):
        servable.predict("", TEXT)
        return version


def test_names_of_versions(tmp_path: Path) -> None:
    for name in ("1", "02", "-3", " 7", "tmp-8", ".9", "10.tmp", "1e3", "0x10", "²", "9" * 20):
        (tmp_path / name).mkdir()
    (tmp_path / "5").write_text("a file counts too")
    assert set(version_directories(tmp_path)) == {1, 2, -3, 7, 5}


def test_the_last_of_two_names_for_one_version(tmp_path: Path) -> None:
    (tmp_path / "01").mkdir()
    (tmp_path / "1").mkdir()
    assert version_directories(tmp_path) == {1: tmp_path / "1"}


def test_the_newest_version_is_served(
    manager: VersionManager, classifier: Path, tmp_path: Path
) -> None:
    for name in ("1", "2", "10"):
        publish(classifier, tmp_path, name)
    (load,) = manager.refresh()
    assert (load.version, load.state, load.error) == (10, "AVAILABLE", None)
    assert states(manager) == [(10, "AVAILABLE", True)]
    assert manager.refresh() == []
    with pytest.raises(StatusError) as error, manager.servable("clf", 2, None):
        pass
    assert error.value.code is Code.NOT_FOUND


def test_a_request_in_flight_finishes_on_the_old_version(
    manager: VersionManager, classifier: Path, other: Path, tmp_path: Path
) -> None:
    publish(classifier, tmp_path, "1")
    manager.refresh()
    with manager.servable("clf", None, None) as (version, servable):
        before = servable.predict("", TEXT)["probabilities"]
        publish(other, tmp_path, "2")
        manager.refresh()
        assert states(manager) == [(2, "AVAILABLE", True), (1, "UNLOADING", True)]
        assert answering(manager) == 2
        assert version == 1
        assert np.array_equal(servable.predict("", TEXT)["probabilities"], before)
    assert states(manager) == [(2, "AVAILABLE", True), (1, "END", True)]
    with manager.servable("clf", None, None) as (_, servable):
        assert not np.allclose(servable.predict("", TEXT)["probabilities"], before)


def broken_directory(path: Path, classifier: Path) -> None:
    path.mkdir()


def broken_graph(path: Path, classifier: Path) -> None:
    shutil.copytree(classifier, path)
    (path / "saved_model.pb").write_bytes(b"nothing that parses")


def broken_variables(path: Path, classifier: Path) -> None:
    shutil.copytree(classifier, path)
    for file in (path / "variables").glob("*data*"):
        os.truncate(file, 1)


def broken_warmup(path: Path, classifier: Path) -> None:
    shutil.copytree(classifier, path)
    write_warmup(path, [text_record(b"a", name="txt")])


def plain_file(path: Path, classifier: Path) -> None:
    path.write_text("no directory")


@pytest.mark.parametrize(
    "spoil", [broken_directory, broken_graph, broken_variables, broken_warmup, plain_file]
)
def test_a_broken_version_leaves_the_old_one_in_place(
    spoil: Callable[[Path, Path], None], manager: VersionManager, classifier: Path, tmp_path: Path
) -> None:
    publish(classifier, tmp_path, "1")
    manager.refresh()
    spoil(tmp_path / "2", classifier)
    (load,) = manager.refresh()
    assert load.state == "END"
    assert load.error is not None and load.error.message
    assert states(manager) == [(2, "END", False), (1, "AVAILABLE", True)]
    assert answering(manager) == 1
    # It is not tried again as long as it stays as it is.
    assert manager.refresh() == []


def test_a_broken_version_is_tried_again_when_mended(
    manager: VersionManager, classifier: Path, tmp_path: Path
) -> None:
    broken_graph(tmp_path / "1", classifier)
    assert manager.refresh()[0].error is not None
    shutil.copy(classifier / "saved_model.pb", tmp_path / "1")
    assert manager.refresh()[0].state == "AVAILABLE"
    assert answering(manager) == 1


def test_taking_the_newest_version_away_brings_the_one_before_back(
    manager: VersionManager, classifier: Path, tmp_path: Path
) -> None:
    for name in ("1", "2"):
        publish(classifier, tmp_path, name)
    manager.refresh()
    shutil.rmtree(tmp_path / "2")
    manager.refresh()
    assert states(manager) == [(2, "END", True), (1, "AVAILABLE", True)]
    publish(classifier, tmp_path, "2")
    manager.refresh()
    assert answering(manager) == 2
    for name in ("1", "2"):
        shutil.rmtree(tmp_path / name)
    manager.refresh()
    with pytest.raises(StatusError):
        answering(manager)


def test_an_unreadable_base_path_changes_nothing(
    manager: VersionManager, classifier: Path, tmp_path: Path
) -> None:
    publish(classifier, tmp_path, "1")
    manager.refresh()
    manager.base_path = tmp_path / "gone"
    assert manager.refresh() == []
    assert answering(manager) == 1


def test_labelled_versions_are_served_beside_the_newest(classifier: Path, tmp_path: Path) -> None:
    for name in ("1", "2", "3"):
        publish(classifier, tmp_path, name)
    manager = VersionManager("clf", tmp_path, {"stable": 1, "canary": 3, "gone": 9})
    manager.refresh()
    assert states(manager) == [(3, "AVAILABLE", True), (1, "AVAILABLE", True)]
    for label, expected in (("stable", 1), ("canary", 3), (None, 3)):
        with manager.servable("clf", None, label) as (version, _):
            assert version == expected
    for model, label, code in (
        ("clf", "gone", Code.NOT_FOUND),
        ("clf", "nope", Code.INVALID_ARGUMENT),
        ("other", "stable", Code.INVALID_ARGUMENT),
    ):
        with pytest.raises(StatusError) as error, manager.servable(model, None, label):
            pass
        assert error.value.code is code
    manager.close()
