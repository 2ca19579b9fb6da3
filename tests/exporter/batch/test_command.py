"""Files in, files out: every row's answer is the session's, and what goes wrong is told."""

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow
import pyarrow.parquet
import pytest

from exporter.runtime.servable import Servable
from tests.exporter.batch.command import TEXTS, flags, json_lines, run_here, summary
from tests.exporter.command import assert_refused
from tests.exporter.disks import disk


@pytest.fixture(scope="module")
def servable(tiny_export: Path) -> Iterator[Servable]:
    loaded = Servable(tiny_export)
    yield loaded
    loaded.close()


def expected(servable: Servable, signature: str, texts: list[str]) -> list[dict[str, Any]]:
    """Each row alone in a session."""
    rows = []
    for text in texts:
        outputs = servable.predict(signature, {"text": np.array([text.encode()], dtype=object)})
        rows.append({name: value[0] for name, value in outputs.items()})
    return rows


def assert_answers(found: dict[str, Any], answer: dict[str, Any]) -> None:
    for name, value in answer.items():
        if np.asarray(value).dtype.kind == "f":
            np.testing.assert_allclose(found[name], value, atol=5e-6)
        else:
            strings = np.asarray(value, dtype=object).ravel()
            wanted = [s.decode() if isinstance(s, bytes) else s for s in strings]
            assert np.asarray(found[name], dtype=object).ravel().tolist() == wanted


def test_json_lines(
    tiny_export: Path,
    servable: Servable,
    inputs: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """From a base path; a second run refuses, and with --overwrite replaces the first whole."""
    output = tmp_path / "made" / "scores"
    base = tiny_export.parent
    arguments = flags(base, inputs, output, "--signature=labels", "--id_column=n")
    outcome = run_here(capfd, *arguments, "--rows_per_part=4")
    assert outcome.code == 0, outcome.errors
    rows = sorted(json_lines(output), key=lambda row: row["n"])
    assert [row["n"] for row in rows] == list(range(30))
    assert [row["text"] for row in rows] == TEXTS
    for row, answer in zip(rows, expected(servable, "labels", TEXTS), strict=True):
        assert_answers(row, answer)
    assert len(list(output.glob("part-*"))) == 9
    told = summary(output)
    assert json.loads(outcome.output) == told
    assert (told["rows"], told["failures"], told["files"]) == (30, 0, 3)
    assert told["model"] == str(tiny_export)
    mask = servable.predict("tokenize", {"text": np.array([t.encode() for t in TEXTS], object)})
    assert told["tokens"] == mask["input_mask"].sum()
    assert [path.name for path in output.parent.iterdir()] == ["scores"]

    before = {path: path.read_bytes() for path in output.iterdir()}
    outcome = run_here(capfd, *arguments)
    assert outcome.code == 1
    assert "exists already" in outcome.errors
    assert {path: path.read_bytes() for path in output.iterdir()} == before

    outcome = run_here(capfd, *arguments, "--overwrite")
    assert outcome.code == 0, outcome.errors
    assert len(list(output.glob("part-*"))) == 3
    assert [path.name for path in output.parent.iterdir()] == ["scores"]
    again = sorted(json_lines(output), key=lambda row: row["n"])
    for row, answer in zip(again, expected(servable, "labels", TEXTS), strict=True):
        assert_answers(row, answer)


@pytest.mark.parametrize("signature", ["labels", "embedding", "tokenize"])
def test_parquet(
    signature: str,
    tiny_export: Path,
    servable: Servable,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Types of the input are kept; vectors are fixed-size lists; pyarrow and pandas read them."""
    directory, output = tmp_path / "in", tmp_path / "out"
    directory.mkdir()
    table = pyarrow.table(
        {
            "review": TEXTS,
            "when": pyarrow.array(range(30), pyarrow.timestamp("us")),
            "small": pyarrow.array(range(30), "int8"),
        }
    )
    pyarrow.parquet.write_table(table, directory / "rows.parquet", row_group_size=7)
    more = (f"--signature={signature}", "--text_column=review", "--rows_per_part=11")
    outcome = run_here(capfd, *flags(tiny_export, directory, output, *more))
    assert outcome.code == 0, outcome.errors
    parts = sorted(output.glob("part-*.parquet"))
    assert len(parts) == 3
    read = pyarrow.concat_tables([pyarrow.parquet.read_table(part) for part in parts])
    assert read.select(table.column_names).equals(table)
    assert read["id"].to_pylist() == [f"{directory}/rows.parquet:{n + 1}" for n in range(30)]
    frame = pandas.concat([pandas.read_parquet(part) for part in parts])
    assert frame["when"].dtype == "datetime64[us]"
    for row, answer in zip(
        frame.to_dict("records"), expected(servable, signature, TEXTS), strict=True
    ):
        assert_answers(row, answer)
    types = {
        "labels": ("scores", pyarrow.list_(pyarrow.float32(), 3)),
        "embedding": ("embedding", pyarrow.list_(pyarrow.float32(), 16)),
        "tokenize": ("input_ids", pyarrow.list_(pyarrow.int32())),
    }
    name, kind = types[signature]
    assert read.schema.field(name).type == kind


def test_pairs_and_columns_of_the_same_name(
    pair_export: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    directory, output = tmp_path / "in", tmp_path / "out"
    directory.mkdir()
    (directory / "pairs.tsv").write_text("good film\tis it\tyes\nbad\tfun\tno\nlost\n")
    more = ["--columns=first,second,label", "--text_column=first,second", "--signature=labels"]
    outcome = run_here(capfd, *flags(pair_export, directory, output, *more))
    assert_refused(outcome, "'label'", "--output_prefix")
    outcome = run_here(
        capfd, *flags(pair_export, directory, output, *more), "--output_prefix=model_"
    )
    assert outcome.code == 0, outcome.errors
    servable = Servable(pair_export)
    texts = {"text_a": [b"good film", b"bad"], "text_b": [b"is it", b"fun"]}
    inputs = {name: np.array(column, dtype=object) for name, column in texts.items()}
    answer = servable.predict("labels", inputs)
    servable.close()
    rows = json_lines(output)
    assert [row["model_label"].encode() for row in rows] == answer["label"].tolist()
    assert [row["label"] for row in rows] == ["yes", "no"]
    assert [row["row"] for row in json_lines(output, "failures-*")] == [3]


def test_a_corrupt_file_among_ten_and_a_large_row(
    tiny_export: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every row is in a part or in the failures, or comes after a place that is told."""
    directory, output = tmp_path / "in", tmp_path / "out"
    directory.mkdir()
    for number in range(10):
        with gzip.open(directory / f"{number}.jsonl.gz", "wt") as stream:
            for place in range(200):
                stream.write(json.dumps({"text": f"fun {number * place} {place**9}"}) + "\n")
            if number == 7:
                stream.write(json.dumps({"text": "x" * 50_000_000}) + "\n")
    damaged = directory / "3.jsonl.gz"
    damaged.write_bytes(damaged.read_bytes()[:-40])
    outcome = run_here(capfd, *flags(tiny_export, directory, output))
    assert outcome.code == 0, outcome.errors
    rows, failures = json_lines(output), json_lines(output, "failures-*")
    told = summary(output)
    assert (told["rows"], told["failures"], told["damaged_files"]) == (len(rows), 2, 1)
    assert len({row["id"] for row in rows}) == len(rows)
    damage, large = failures
    assert damage["file"] == str(damaged)
    assert "damaged" in damage["reason"]
    assert len(rows) == 9 * 200 + damage["row"] - 1
    assert (large["file"], large["row"]) == (str(directory / "7.jsonl.gz"), 201)
    assert "50,000,012 bytes" in large["reason"]
    assert len(large["line"]) == 1000


def test_a_full_disk(
    tiny_export: Path, inputs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with disk(tmp_path / "disk", "size=8k") as mounted:
        if mounted is None:  # warned of
            return
        outcome = run_here(capfd, *flags(tiny_export, inputs, mounted / "out"))
        assert_refused(outcome, "The job failed", "No space left")
        assert list(mounted.iterdir()) == []


def test_json_lines_to_parquet(
    tiny_export: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The first rows tell the types; a row that does not fit them is told, not bent."""
    directory, output = tmp_path / "in", tmp_path / "out"
    directory.mkdir()
    rows = [{"text": "good", "stars": 4} for _ in range(1000)]
    rows += [{"text": "bad", "stars": "none"}, {"text": "bad", "other": 1}, {"text": "fun"}]
    (directory / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    outcome = run_here(capfd, *flags(tiny_export, directory, output, "--output_format=parquet"))
    assert outcome.code == 0, outcome.errors
    (part,) = output.glob("part-*")
    table = pyarrow.parquet.read_table(part)
    assert table.schema.field("stars").type == pyarrow.int64()
    assert len(table) == 1001
    assert table["stars"].to_pylist()[-1] is None
    assert [row["row"] for row in json_lines(output, "failures-*")] == [1001, 1002]


def test_no_rows(tiny_export: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    directory, output = tmp_path / "in", tmp_path / "out"
    directory.mkdir()
    (directory / "empty.jsonl").write_text("\n")
    outcome = run_here(capfd, *flags(tiny_export, directory, output))
    assert outcome.code == 0, outcome.errors
    assert summary(output)["rows"] == 0
    shutil.rmtree(output)
    (directory / "empty.jsonl").write_text("{\n")
    outcome = run_here(capfd, *flags(tiny_export, directory, output))
    assert_refused(outcome, "No row", "not JSON")


def test_flags_of_beam_pass(
    tiny_export: Path, inputs: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """With and without "=", before and after the command's own."""
    output = tmp_path / "out"
    passed = ("--runner", "DirectRunner", *flags(tiny_export, inputs, output))
    outcome = run_here(capfd, *passed, "--direct_num_workers", "1", "--no_save_main_session")
    assert outcome.code == 0, outcome.errors
    assert summary(output)["rows"] == 30
