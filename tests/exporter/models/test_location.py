"""Where a model may be."""

import contextlib
import functools
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow as tf

from bert.errors import UserError
from exporter.models import location as location_module
from exporter.models.location import is_archive, is_remote, local_path


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        """Says nothing."""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """A web server of a folder on this machine; its address."""
    handler = functools.partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def write_archive(file: Path, *members: tuple[str, bytes]) -> Path:
    with tarfile.open(file, "w:gz") as archive:
        folders = {str(parent) for name, _ in members for parent in Path(name).parents}
        for folder in sorted(folders - {".", ".."}):
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(member)
        for name, content in members:
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return file


MEMBERS = (("saved_model.pb", b"graph"), ("variables/variables.index", b"index"))


@pytest.fixture(autouse=True)
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("TFHUB_CACHE_DIR", str(folder))
    return folder


def test_a_path_is_left_alone(tmp_path: Path) -> None:
    for location in (str(tmp_path), str(tmp_path / "missing"), "out/model.ckpt-7"):
        assert not is_remote(location)
        with local_path(location) as path:
            assert path == Path(location)


@pytest.fixture(params=[True, False], ids=["tarfile filters", "tarfile without filters"])
def tarfile_of_any_release(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As it is here, and as it is in Python 3.11.3, which has no `filter`."""
    if not request.param:
        extract = tarfile.TarFile.extract
        if not hasattr(tarfile, "data_filter"):
            return  # this Python is such a one
        monkeypatch.delattr(tarfile, "data_filter")
        monkeypatch.setattr(
            tarfile.TarFile,
            "extract",
            lambda self, member, path: extract(self, member, path, filter="fully_trusted"),
        )


@pytest.mark.usefixtures("tarfile_of_any_release")
@pytest.mark.parametrize("wrapped_in", ["", "1579422100/"])
def test_an_archive(tmp_path: Path, wrapped_in: str) -> None:
    members = [(wrapped_in + name, content) for name, content in MEMBERS]
    file = write_archive(tmp_path / "model.tar.gz", *members)
    assert is_archive(str(file))
    with local_path(str(file)) as path:
        assert (path / "saved_model.pb").read_bytes() == b"graph"
        assert (path / "variables" / "variables.index").read_bytes() == b"index"
    assert not path.exists()


def test_a_handle(tmp_path: Path, hub_cache: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Fetched once, into TensorFlow Hub's cache, with its progress on standard error."""
    (tmp_path / "www").mkdir()
    write_archive(tmp_path / "www" / "model.tar.gz", *MEMBERS)
    with served(tmp_path / "www") as address:
        assert is_remote(address)
        with local_path(f"{address}/model.tar.gz") as path:
            assert (path / "saved_model.pb").read_bytes() == b"graph"
            assert path.parent == hub_cache
        captured = capfd.readouterr()
        assert captured.out == ""
        assert "Downloaded" in captured.err
    with local_path(f"{address}/model.tar.gz") as again:
        assert again == path


def test_another_file_system() -> None:
    for name, content in MEMBERS:
        file = f"ram://folder/model/{name}"
        tf.io.gfile.makedirs(file.rsplit("/", 1)[0])
        with tf.io.gfile.GFile(file, "wb") as writer:
            writer.write(content)
    with local_path("ram://folder/model") as path:
        assert (path / "variables" / "variables.index").read_bytes() == b"index"
    assert not path.exists()


def refused(location: str, *told: str) -> None:
    with pytest.raises(UserError) as error, local_path(location):
        pass
    assert f"--checkpoint {location}" in str(error.value)
    for part in told:
        assert part in str(error.value), error.value


def test_what_cannot_be_fetched(tmp_path: Path) -> None:
    folder = tmp_path / "www"
    folder.mkdir()
    (folder / "no_archive.tar.gz").write_bytes(b"<html>")
    whole = write_archive(tmp_path / "whole.tar.gz", ("saved_model.pb", bytes(range(256)) * 99))
    (folder / "cut.tar.gz").write_bytes(whole.read_bytes()[:-40])
    write_archive(folder / "outside.tar.gz", ("../outside", b""))
    with served(folder) as address:
        refused(f"{address}/missing.tar.gz", "404")
        refused(f"{address}/no_archive.tar.gz", "valid module")
        refused(f"{address}/cut.tar.gz", "fetched")
        refused(f"{address}/outside.tar.gz", "outside")
    refused(f"{address}/model.tar.gz", "refused")
    refused("ram://missing/model", "fetched")
    refused("nothing://there/model", "fetched")
    assert not (tmp_path / "outside").exists()


def test_an_archive_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the sizes in it, before anything is written."""
    monkeypatch.setattr(location_module, "_LARGEST_UNPACKED", 1 << 30)
    file = tmp_path / "model.tar.gz"
    with tarfile.open(file, "w:gz", compresslevel=1) as archive:
        member = tarfile.TarInfo("zeros")
        member.size = (1 << 30) + 1
        # The header alone: it is refused before its content is looked for.
        archive.addfile(member)
    refused(str(file), "more than 1 GB", "zeros")


@pytest.mark.usefixtures("tarfile_of_any_release")
def test_archives_that_cannot_be_unpacked(tmp_path: Path) -> None:
    broken = tmp_path / "broken.tar.gz"
    broken.write_bytes(b"not an archive")
    refused(str(broken), "unpacked")
    refused(str(write_archive(tmp_path / "outside.tar.gz", ("../outside", b""))), "outside")
    link = tmp_path / "link.tar.gz"
    with tarfile.open(link, "w:gz") as archive:
        member = tarfile.TarInfo("variables")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(member)
    refused(str(link), "variables")
    assert not (tmp_path / "outside").exists()
