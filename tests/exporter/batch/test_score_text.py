"""The transform in a pipeline of one's own, and models on another file system."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import apache_beam as beam
import numpy as np
import pytest
from apache_beam.io.filesystem import FileMetadata, FileSystem
from apache_beam.io.localfilesystem import LocalFileSystem
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that

from bert.errors import UserError
from exporter.batch import ScoreText
from exporter.runtime.servable import Servable
from tests.exporter.batch.command import json_lines, run_here, summary

_ROOT: list[Path] = []


class Bucket(FileSystem):
    """bucket://… lies in a local directory."""

    @classmethod
    def scheme(cls) -> str:
        return "bucket"

    def _local(self, path: str) -> str:
        return str(_ROOT[0] / path.removeprefix("bucket://"))

    def join(self, basepath: str, *paths: str) -> str:
        return "/".join([basepath, *paths])

    def split(self, path: str) -> tuple[str, str]:
        head, _, tail = path.rpartition("/")
        return head, tail

    def mkdirs(self, path: str) -> None:
        LocalFileSystem(None).mkdirs(self._local(path))

    def has_dirs(self) -> bool:
        return False

    def _list(self, dir_or_prefix: str) -> Iterator[FileMetadata]:
        for file in sorted(_ROOT[0].rglob("*")):
            path = f"bucket://{file.relative_to(_ROOT[0])}"
            if file.is_file() and path.startswith(dir_or_prefix):
                yield FileMetadata(path, file.stat().st_size)

    def create(self, path: str, mime_type: str = "", compression_type: str = "") -> BinaryIO:
        Path(self._local(path)).parent.mkdir(parents=True, exist_ok=True)
        return open(self._local(path), "wb")

    def open(self, path: str, mime_type: str = "", compression_type: str = "") -> BinaryIO:
        return open(self._local(path), "rb")

    def copy(self, sources: list[str], destinations: list[str]) -> None:
        raise NotImplementedError

    def rename(self, sources: list[str], destinations: list[str]) -> None:
        for source, destination in zip(sources, destinations, strict=True):
            Path(self._local(source)).rename(self._local(destination))

    def exists(self, path: str) -> bool:
        return Path(self._local(path)).is_file()

    def size(self, path: str) -> int:
        return Path(self._local(path)).stat().st_size

    def last_updated(self, path: str) -> float:
        return 0.0

    def checksum(self, path: str) -> str:
        return ""

    def metadata(self, path: str) -> FileMetadata:
        return FileMetadata(path, self.size(path))

    def delete(self, paths: list[str]) -> None:
        for path in paths:
            Path(self._local(path)).unlink()


@pytest.fixture
def bucket(tmp_path: Path) -> Iterator[Path]:
    _ROOT[:] = [tmp_path / "bucket"]
    _ROOT[0].mkdir()
    yield _ROOT[0]


def test_rows_of_all_kinds(tiny_export: Path) -> None:
    elements: list[Any] = [
        "good",
        b"bad",
        {"text": "fun", "more": 1},
        {"txt": "fun"},
        {"text": "fun", "label": 1},
        b"\xff",
        7,
        "x" * 100,
    ]
    servable = Servable(tiny_export)
    texts = np.array([b"good", b"bad", b"fun"], dtype=object)
    wanted = servable.predict("labels", {"text": texts})["label"]
    servable.close()

    def check_answers(found: list[dict[str, Any]]) -> None:
        rows = {row["text"]: row for row in found}
        assert [rows[text]["label"].encode() for text in ("good", "bad", "fun")] == wanted.tolist()
        assert rows["fun"]["more"] == 1
        assert set(rows["good"]) == {"text", "label", "score", "labels", "scores"}
        assert len(found) == 3

    def check_failures(found: list[dict[str, Any]]) -> None:
        reasons = {str(row["row"])[:20]: row["reason"] for row in found}
        assert reasons == {
            "{'txt': 'fun'}": "no column 'text'; there are txt",
            "{'text': 'fun', 'lab": "'label' is also an output of the model: give output_prefix",
            r"b'\xff'": "not UTF-8 at byte 0",
            "7": "column 'text' is int, not text",
            "x" * 20: "100 bytes, where max_row_bytes is 99",
        }

    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        answers, failures = (
            pipeline
            | beam.Create(elements)
            | ScoreText(str(tiny_export), signature="labels", max_row_bytes=99)
        )
        assert_that(answers, check_answers, label="answers")
        assert_that(failures, check_failures, label="failures")


def test_a_mistake_is_told_when_the_pipeline_is_built(tiny_export: Path) -> None:
    with pytest.raises(UserError, match="--signature nothing"):
        ScoreText(str(tiny_export), signature="nothing")
    with pytest.raises(UserError, match="names 2 columns"):
        ScoreText(str(tiny_export), text_columns=["a", "b"])


def test_model_input_and_output_by_url(
    bucket: Path, tiny_export: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The newest version of a base path; parts are whole, and the summary comes last."""
    shutil.copytree(tiny_export, bucket / "models" / "tiny" / "9")
    shutil.copytree(tiny_export, bucket / "models" / "tiny" / "10")
    (bucket / "lines.txt").write_text("good\nbad\n")
    arguments = ("--model=bucket://models/tiny", "--input=bucket://*.txt")
    outcome = run_here(capfd, *arguments, "--output=bucket://scores")
    assert outcome.code == 0, outcome.errors
    output = bucket / "scores"
    assert summary(output)["model"] == "bucket://models/tiny/10"
    assert [row["text"] for row in json_lines(output)] == ["good", "bad"]
    assert [row["id"] for row in json_lines(output)] == [f"bucket://lines.txt:{n}" for n in (1, 2)]
    outcome = run_here(capfd, *arguments, "--output=bucket://scores")
    assert outcome.code == 1
    assert "exists already" in outcome.errors
    (output / "summary.json").unlink()
    outcome = run_here(capfd, *arguments, "--output=bucket://scores")
    assert "did not end" in outcome.errors
    outcome = run_here(capfd, *arguments, "--output=bucket://scores", "--overwrite")
    assert outcome.code == 0, outcome.errors
    assert len(list(output.iterdir())) == 2
