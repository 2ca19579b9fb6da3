"""Files of every format to rows; what is wrong with a row or a file is told beside them."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from exporter.batch.reading.blocks import Block, Reading
from exporter.batch.reading.files import format_of
from exporter.batch.reading.splitting import blocks, pieces


def reading(format: str, **changes: object) -> Reading:
    values: dict[str, object] = {
        "format": format,
        "text_columns": ("text",),
        "id_column": None,
        "columns": (),
        "reserved": frozenset(),
        "max_row_bytes": 1000,
        "rows_per_block": 3,
        **changes,
    }
    return Reading(**values)  # type: ignore[arg-type]


def read(file: Path, how: Reading) -> list[Block]:
    return [block for piece in pieces(4, str(file), how) for block in blocks(piece, how)]


def texts(read_blocks: list[Block]) -> list[bytes]:
    return [text for block in read_blocks for (text,) in block.texts]


def values_of(block: Block, name: str) -> list[object]:
    assert isinstance(block.rows, pyarrow.Table)
    return block.rows.column(name).to_pylist()


def reasons(read_blocks: list[Block]) -> dict[int, str]:
    return {fail.row: fail.reason for block in read_blocks for fail in block.failures}


@pytest.mark.parametrize(
    ("name", "format"),
    [
        ("a.txt", "text"),
        ("a", "text"),
        ("dir.csv/lines", "text"),
        ("a.JSONL.gz", "jsonl"),
        ("a.tsv.xz", "tsv"),
        ("x.parquet", "parquet"),
        ("gs://b/a.csv.bz2", "csv"),
    ],
)
def test_format_by_name(name: str, format: str) -> None:
    assert format_of(name) == format


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 6, 7, 100])
def test_lines_are_cut_into_pieces(count: int, end: str, tmp_path: Path) -> None:
    lines = [f"line {number} é" for number in range(count)]
    file = tmp_path / "lines.txt"
    file.write_text("\n".join(lines) + (end if lines else ""), encoding="utf-8")
    found = read(file, reading("text"))
    assert texts(found) == [line.encode() for line in lines]
    assert [number for block in found for number in block.numbers] == list(range(1, count + 1))
    assert len(found) == max(1, -(-count // 3))
    assert all(block.file_number == 4 for block in found)


def test_an_empty_line_of_text_is_a_row(tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    file.write_bytes(b"one\r\n\r\nthree")
    assert texts(read(file, reading("text"))) == [b"one", b"", b"three"]


@pytest.mark.parametrize("compress", [False, True])
def test_json_lines(compress: bool, tmp_path: Path) -> None:
    lines = [
        b'{"text": "good", "id": 7, "more": [1, {"a": null}]}',
        b'{"text": "fun"}',
        b"",
        b'{"txt": "x"}',
        b'{"text": 3}',
        b'{"text": null}',
        b'{"text": "\\ud800"}',
        b'{"text": "\xff"}',
        b"[1]",
        b"{",
        b'{"text": "' + b"x" * 1000 + b'"}',
        b'{"text": "bad"}',
    ]
    file = tmp_path / ("a.jsonl.gz" if compress else "a.jsonl")
    content = b"\n".join(lines)
    file.write_bytes(gzip.compress(content) if compress else content)
    found = read(file, reading("jsonl"))
    assert texts(found) == [b"good", b"fun", b"bad"]
    rows = [row for block in found for row in block.rows]
    assert rows[0] == {"text": "good", "id": 7, "more": [1, {"a": None}]}
    assert rows[1:] == [{"text": "fun", "id": f"{file}:2"}, {"text": "bad", "id": f"{file}:12"}]
    told = reasons(found)
    expected = ["no column 'text'", "int, not text", "missing", "not UTF-8", "not UTF-8"]
    expected += ["not an object", "not JSON", "1,012 bytes"]
    assert list(told) == list(range(4, 12))
    for reason, words in zip(told.values(), expected, strict=True):
        assert words in reason
    assert all(len(fail.line) <= 1000 for block in found for fail in block.failures)


def test_csv_with_quotes_over_lines(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(b'\xef\xbb\xbfid,text\n1,"good, very\ngood"\n2,fun\n3\n4,\xff\n\n5,"""so"""\n')
    found = read(file, reading("csv", id_column="id"))
    assert texts(found) == [b"good, very\ngood", b"fun", b'"so"']
    assert reasons(found) == {5: "1 columns, where 2 are expected", 6: "column 'text' is not UTF-8"}
    assert [row["id"] for block in found for row in block.rows] == ["1", "2", "5"]


def test_tsv_takes_quotes_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "a.tsv"
    file.write_text('text\tn\n"good\t1\nfun"\t2\nbad\nis\t4\n')
    found = read(file, reading("tsv"))
    assert texts(found) == [b'"good', b'fun"', b"is"]
    assert reasons(found) == {4: "1 columns, where 2 are expected"}
    file.write_text("good\t1\nfun\t2\n")
    assert texts(read(file, reading("tsv", columns=("text", "n")))) == [b"good", b"fun"]


def test_columns_of_the_outputs(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "good"}\n{"text": "good", "label": 1}\n')
    found = read(file, reading("jsonl", reserved=frozenset({"label"})))
    assert texts(found) == [b"good"]
    assert "--output_prefix" in reasons(found)[2]


def test_an_id_that_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"text": "good", "key": 0}\n{"text": "fun", "key": null}\n{"text": "is"}\n')
    found = read(file, reading("jsonl", id_column="key"))
    assert texts(found) == [b"good"]
    assert reasons(found) == {2: "no id in column 'key'", 3: "no id in column 'key'"}


def test_a_line_without_end_is_not_held(tmp_path: Path) -> None:
    """50 MB in one row: a failure of some words, and its neighbours are read."""
    file = tmp_path / "a.jsonl"
    with file.open("wb") as stream:
        stream.write(b'{"text": "good"}\n{"text": "')
        for _ in range(50):
            stream.write(b"x" * (1 << 20))
        stream.write(b'"}\n{"text": "fun"}\n')
    found = read(file, reading("jsonl"))
    assert texts(found) == [b"good", b"fun"]
    assert list(reasons(found)) == [2]
    assert reasons(found)[2].startswith("52,428,812 bytes")


def _parquet(file: Path, rows: int = 10, group: int = 4) -> None:
    table = pyarrow.table(
        {"text": [f"text {row}" for row in range(rows)], "n": pyarrow.array(range(rows), "int16")}
    )
    pyarrow.parquet.write_table(table, file, row_group_size=group)


@pytest.mark.parametrize("rows", [0, 1, 3, 10])
def test_parquet_in_pieces_that_are_no_row_groups(rows: int, tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    _parquet(file, rows)
    found = read(file, reading("parquet"))
    assert texts(found) == [f"text {row}".encode() for row in range(rows)]
    assert [row for block in found for row in values_of(block, "n")] == list(range(rows))
    assert [value for block in found for value in values_of(block, "id")] == [
        f"{file}:{row + 1}" for row in range(rows)
    ]


def test_parquet_with_bytes_that_are_not_utf8(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    column = pyarrow.array([b"good", b"\xff", None, b"x" * 1001, b"fun"], "binary").view("string")
    pyarrow.parquet.write_table(pyarrow.table({"text": column}), file)
    found = read(file, reading("parquet", rows_per_block=10))
    assert texts(found) == [b"good", b"fun"]
    assert values_of(found[0], "id") == [f"{file}:1", f"{file}:5"]
    assert list(reasons(found)) == [2, 3, 4]


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-30])


def _gzip_of_lines(file: Path) -> None:
    with gzip.open(file, "wt") as stream:
        stream.writelines(json.dumps({"text": f"text {n} {n * n}"}) + "\n" for n in range(5000))


@pytest.mark.parametrize(
    ("name", "write", "spoil"),
    [
        ("a.jsonl.gz", _gzip_of_lines, _cut),
        ("a.jsonl.gz", _gzip_of_lines, lambda file: file.write_bytes(b"not gzip at all")),
        ("a.parquet", _parquet, _cut),
        ("a.parquet", _parquet, lambda file: file.write_bytes(b"")),
    ],
)
def test_a_damaged_file(
    name: str, write: Callable[[Path], None], spoil: Callable[[Path], None], tmp_path: Path
) -> None:
    """What is before the damage is read, and the damage is told."""
    file = tmp_path / name
    write(file)
    spoil(file)
    how = reading("parquet" if name.endswith("parquet") else "jsonl", rows_per_block=10_000)
    found = read(file, how)
    (reason,) = reasons(found).values()
    assert reason.startswith("the file is damaged")
    assert list(reasons(found)) == [len(texts(found)) + 1]


def test_a_damaged_page_of_parquet(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    _parquet(file, 9, 3)
    content = bytearray(file.read_bytes())
    group = pyarrow.parquet.ParquetFile(file).metadata.row_group(1).column(0)
    start = group.dictionary_page_offset or group.data_page_offset
    content[start : start + group.total_compressed_size] = b"\xff" * group.total_compressed_size
    file.write_bytes(content)
    found = read(file, reading("parquet"))
    assert len(texts(found)) == 6
    assert list(reasons(found)) == [4]
    assert "these 3 rows" in reasons(found)[4]
