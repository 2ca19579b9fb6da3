"""Data of a person's own: CSV, TSV and JSON Lines."""

import json
from pathlib import Path

import pytest

from bert.errors import UserError
from bert.tasks import CLASSIFICATION, MULTILABEL, REGRESSION, Task
from bert.training.dataset import DEV, TEST, TRAIN, InputExample
from bert.training.own_data import Columns, OwnDataset

_ROWS = [
    ("Where is my parcel, please?", "delivery"),
    ('He said "never again"\nand left', "complaint"),
    ("Wo bleibt mein Geld?", "billing"),
    ("Danke, alles gut; schön!", "praise"),
]
_LABELS = ("billing", "complaint", "delivery", "praise")


def dataset(
    directory: Path,
    columns: Columns | None = None,
    labels: tuple[str, ...] | None = None,
    dev_fraction: float = 0.0,
    task: Task = CLASSIFICATION,
) -> OwnDataset:
    out = directory / "out"
    return OwnDataset(directory, columns or Columns(), labels, out, dev_fraction, 7, task)


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def test_csv_with_a_header(tmp_path: Path) -> None:
    lines = [f"{label},{index},{quoted(text)}" for index, (text, label) in enumerate(_ROWS)]
    content = "\ufefflabel,id,text\r\n" + "".join(f"{line}\r\n" for line in lines)
    (tmp_path / "train.csv").write_bytes(content.encode())
    read = dataset(tmp_path)
    assert read.examples(TRAIN) == [InputExample(text, None, label) for text, label in _ROWS]
    assert read.labels == _LABELS
    assert not read.is_pair and not read.has(DEV) and not read.has(TEST)


def test_tsv_without_a_header(tmp_path: Path) -> None:
    """Quotes mean nothing there, as in the files of GLUE; columns have numbers."""
    (tmp_path / "train.tsv").write_text('7\t"odd\tx\t10\n8\teven\ty\t9\n')
    read = dataset(tmp_path, Columns(text="1", text_b="2"))
    assert read.examples(TRAIN) == [
        InputExample('"odd', "x", "10"),
        InputExample("even", "y", "9"),
    ]
    assert read.labels == ("9", "10")
    assert read.is_pair


def test_json_lines(tmp_path: Path) -> None:
    rows = [{"body": text, "stars": stars, "more": [1]} for text, stars in (("a", 5), ("b", True))]
    lines = "\n\n".join(json.dumps(row) for row in rows)
    (tmp_path / "train.jsonl").write_text(lines)
    (tmp_path / "test.jsonl").write_text(json.dumps({"body": "c"}))
    read = dataset(tmp_path, Columns(text="body", label="stars"))
    assert read.examples(TRAIN) == [InputExample("a", None, "5"), InputExample("b", None, "true")]
    assert read.examples(TEST) == [InputExample("c")]


def test_labels_in_the_order_given(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\na,yes\nb,no\n")
    assert dataset(tmp_path, labels=("yes", "no")).labels == ("yes", "no")
    with pytest.raises(UserError, match=r"names the label 'maybe', but .*train\.csv has no"):
        dataset(tmp_path, labels=("yes", "no", "maybe")).examples(TRAIN)


def test_a_share_of_each_label_is_held_out(tmp_path: Path) -> None:
    lines = [f"text {index},{'rare' if index % 10 == 0 else 'common'}" for index in range(100)]
    (tmp_path / "train.csv").write_text("text,label\n" + "\n".join(lines))
    read = dataset(tmp_path, dev_fraction=0.2)
    train, dev = read.examples(TRAIN), read.examples(DEV)
    assert [sum(example.label == "rare" for example in part) for part in (train, dev)] == [8, 2]
    assert [len(train), len(dev)] == [80, 20]
    assert {example.text_a for example in train}.isdisjoint(example.text_a for example in dev)
    assert dataset(tmp_path, dev_fraction=0.2).examples(DEV) == dev
    (tmp_path / "dev.csv").write_text("text,label\nx,rare\n")
    assert len(dataset(tmp_path, dev_fraction=0.2).examples(TRAIN)) == 100


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("train.csv", b"text,label\na,x\nb\n", "line 3: found 1 columns, where 2 are"),
        ("train.csv", b"text,label\na,x\n,y\n", "line 3: found \"\" in the column 'text'"),
        ("train.csv", b"text,label\na,x\nb,\n", "line 3: found \"\" in the column 'label'"),
        ("train.csv", b'text,label\n"two\nlines",x\n\xff,y\n', r"line 4: found the bytes b'\\xff"),
        ("train.csv", b'text,label\n"a,x\nb,y\n', "line 2: the row cannot be read"),
        ("train.csv", b"text,label\na,x\nb,x\n", "every example has the label 'x'"),
        ("train.csv", b"text,label,text\na,x,b\n", "two columns are called 'text'"),
        ("train.csv", b"text,label\n", "has no rows"),
        ("train.csv", b"", "has no rows"),
        ("train.csv", b"message,team\na,x\n", "there is no column"),
        ("train.jsonl", b'{"text": "a", "label": "x"}\n[]\n', "line 2: found '\\[\\]', where"),
        ("train.jsonl", b'{"text": "a", "label": "x"}\n{"text"\n', "line 2: found no JSON"),
        ("train.jsonl", b'{"text": 1.5, "label": null}\n', "line 1: found null in the column"),
        ("train.jsonl", b'{"label": "x"}\n', "line 1: there is no column 'text'"),
    ],
)
def test_a_wrong_line_is_named(name: str, content: bytes, sentence: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    columns = Columns(has_header=True) if b"message" in content else Columns()
    with pytest.raises(UserError, match=sentence) as told:
        dataset(tmp_path, columns).examples(TRAIN)
    assert str(tmp_path / name) in str(told.value)


def test_what_is_wrong_between_files(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\na,x\nb,y\n")
    (tmp_path / "dev.csv").write_text("text,label\na,x\nb,z\n")
    with pytest.raises(UserError, match=r"dev.csv, line 3: found the label 'z', where one of x, y"):
        dataset(tmp_path).examples(DEV)
    (tmp_path / "train.tsv").write_text("")
    with pytest.raises(UserError, match=r"has train.csv and train.tsv: remove one"):
        dataset(tmp_path).has(TRAIN)


def test_several_labels_or_none(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text('text,label\na,"x, y"\nb,\nc,y\n')
    (tmp_path / "dev.jsonl").write_text(
        '{"text": "d", "label": ["y", "x"]}\n{"text": "e", "label": []}\n'
    )
    read = dataset(tmp_path, task=MULTILABEL)
    assert read.labels == ("x", "y")
    assert [example.label for example in read.examples(TRAIN)] == [("x", "y"), (), ("y",)]
    assert [example.label for example in read.examples(DEV)] == [("x", "y"), ()]
    (tmp_path / "dev.jsonl").write_text('{"text": "d", "label": "x,z"}\n')
    with pytest.raises(UserError, match=r"dev.jsonl, line 1: found the label 'z', where one of x"):
        read.examples(DEV)
    (tmp_path / "dev.jsonl").write_text('{"text": "d", "label": [1]}\n')
    with pytest.raises(UserError, match=r"line 1: found \[1\] in the column 'label', where a list"):
        read.examples(DEV)
    (tmp_path / "train.csv").write_text("text,label\na,\n")
    with pytest.raises(UserError, match=r"no example has a label: name the right column"):
        _ = dataset(tmp_path, task=MULTILABEL).labels


def test_a_share_of_the_rarest_label_is_held_out(tmp_path: Path) -> None:
    lines = [f"text {index},common;{index % 4}" for index in range(40)]
    (tmp_path / "train.csv").write_text("text,label\n" + "\n".join(lines))
    read = OwnDataset(tmp_path, Columns(), None, tmp_path, 0.2, 7, MULTILABEL, ";")
    labels = [example.label for example in read.examples(DEV)]
    held_out = [name for label in labels if isinstance(label, tuple) for name in label]
    assert [held_out.count(name) for name in ("0", "1", "2", "3", "common")] == [2, 2, 2, 2, 8]


def test_numbers(tmp_path: Path) -> None:
    (tmp_path / "train.csv").write_text("text,label\n" + "a,1.5\nb,-2\nc,3e1\nd,4\n" * 5)
    read = dataset(tmp_path, task=REGRESSION, dev_fraction=0.25)
    assert read.labels == ()
    assert len(read.examples(DEV)) == 5 and len(read.examples(TRAIN)) == 15
    assert {example.label for example in read.examples(TRAIN)} <= {1.5, -2.0, 30.0, 4.0}
    (tmp_path / "train.csv").write_text("text,label\na,1\nb,one\n")
    with pytest.raises(UserError, match=r"line 3, 'label': found 'one', where a number is"):
        dataset(tmp_path, task=REGRESSION).examples(TRAIN)
