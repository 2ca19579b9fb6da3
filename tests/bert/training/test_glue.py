from pathlib import Path

import pytest

from bert.errors import UserError
from bert.tasks import REGRESSION
from bert.training.dataset import DEV, TEST, TRAIN, InputExample
from bert.training.glue import GlueDataset
from bert.training.glue_tasks import find_task


def read(directory: Path, content: bytes, split: str = TRAIN, task: str = "sst-2") -> list:
    (directory / f"{split}.tsv").write_bytes(content)
    return GlueDataset(find_task(task), directory).examples(split)


def test_sst2_without_and_with_its_header(tmp_path: Path) -> None:
    rows = b"a stirring film\t1\ndull\t0\n"
    expected = [InputExample("a stirring film", None, "1"), InputExample("dull", None, "0")]
    assert read(tmp_path, rows) == expected
    assert read(tmp_path, b"sentence\tlabel\n" + rows, DEV) == expected
    assert read(tmp_path, rows.removesuffix(b"\n")) == expected


def test_a_test_file_needs_no_labels(tmp_path: Path) -> None:
    expected = [InputExample("good"), InputExample("bad")]
    assert read(tmp_path, b"index\tsentence\n0\tgood\n1\tbad\n", TEST) == expected
    assert read(tmp_path, b"good\nbad\n", TEST) == expected
    assert read(tmp_path, b"good\t1\nbad\t0\n", TEST) == expected


def test_cola_has_four_columns_and_a_header_in_test_only(tmp_path: Path) -> None:
    content = b"gj04\t1\t\tThe weights moved.\ngj04\t0\t*\tThe weights moves.\n"
    expected = [
        InputExample("The weights moved.", None, "1"),
        InputExample("The weights moves.", None, "0"),
    ]
    assert read(tmp_path, content, TRAIN, "CoLA") == expected
    assert read(tmp_path, content, DEV, "cola") == expected
    assert read(tmp_path, b"index\tsentence\n0\tIt rains.\n", TEST, "cola") == [
        InputExample("It rains.")
    ]


def test_mrpc_has_pairs(tmp_path: Path) -> None:
    task = find_task("mrpc")
    assert task.is_pair and not find_task("sst-2").is_pair
    (tmp_path / "train.tsv").write_bytes(
        b"\xef\xbb\xbfQuality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t10\t20\tone\tanother\r\n"
    )
    assert GlueDataset(task, tmp_path).examples(TRAIN) == [InputExample("one", "another", "1")]
    (tmp_path / "test.tsv").write_text("index\t1\t2\tA\tB\n0\t10\t20\tone\tanother\n")
    assert GlueDataset(task, tmp_path).examples(TEST) == [InputExample("one", "another")]


def test_only_line_feeds_and_tabs_separate(tmp_path: Path) -> None:
    text = '"quoted" \x0b\x0c\x1c\x85\u2028 \'s'
    assert read(tmp_path, f"{text}\t1\n".encode()) == [InputExample(text, None, "1")]


def test_windows_line_ends_and_byte_order_mark_are_no_data(tmp_path: Path) -> None:
    content = "\ufeffsentence\tlabel\r\ngood\t1\r\n".encode()
    assert read(tmp_path, content) == [InputExample("good", None, "1")]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"good\t1\nbad\n", "line 2: found 1 tab-separated columns, where at least 2"),
        (b"good\t1\n\nbad\t0\n", "line 2: found a blank line, where at least 2"),
        (b"good\t1\nso so\t2\n", "line 2: found the label '2' in column 2, where one of 0, 1 is"),
        (b"good\t1\n\xff\xfe\t0\n", r"line 2: found the bytes b'\\xff\\xfe\\t0', where UTF-8"),
        (b"good\t1\n \t0\n", "line 2: found no text in column 1, where the text is expected"),
        (b"", "has no rows: give at least one line"),
        (b"sentence\tlabel\n", "has no rows: give at least one line"),
        (b"index\tsentence\n0\tgood\n", "line 1: found the header .* without labels"),
    ],
)
def test_bad_files_are_told_in_one_sentence(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(UserError, match=rf"train\.tsv.*{sentence}"):
        read(tmp_path, content)


def test_a_missing_file_and_an_unknown_task_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"dev\.tsv cannot be read .*--data_dir"):
        GlueDataset(find_task("sst-2"), tmp_path).examples(DEV)
    with pytest.raises(
        UserError, match=r"--task_name is 'snli', where one of .*sst-2, sts-b, wnli, xnli is"
    ):
        find_task("snli")


# A labelled and an unlabelled line of each task's files, as GLUE has them.
_FILES = {
    "mnli": (
        "index\tpromptID\tpairID\tgenre\tp1\tp2\tp3\tp4\tsentence1\tsentence2\tlabel1\tgold_label",
        "0\t1\t1n\tfiction\t\t\t\t\tone\tanother\tneutral\tentailment",
        "dev_matched",
    ),
    "mnli-mm": (
        "index\tpromptID\tpairID\tgenre\tp1\tp2\tp3\tp4\tsentence1\tsentence2\tl1\tl2\tl3\tgold_label",
        "0\t1\t1n\tfiction\t\t\t\t\tone\tanother\tneutral\tneutral\tneutral\tentailment",
        "dev_mismatched",
    ),
    "qnli": ("index\tquestion\tsentence\tlabel", "0\tone\tanother\tentailment", "dev"),
    "rte": ("index\tsentence1\tsentence2\tlabel", "0\tone\tanother\tentailment", "dev"),
    "wnli": ("index\tsentence1\tsentence2\tlabel", "0\tone\tanother\t1", "dev"),
    "qqp": (
        "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate",
        "0\t1\t2\tone\tanother\t1",
        "dev",
    ),
}


@pytest.mark.parametrize("name", _FILES)
def test_the_files_of_glue(name: str, tmp_path: Path) -> None:
    header, row, file = _FILES[name]
    (tmp_path / f"{file}.tsv").write_text(f"{header}\n{row}\n")
    data = GlueDataset(find_task(name), tmp_path)
    assert data.is_pair and data.has(DEV)
    assert data.examples(DEV) == [InputExample("one", "another", row.rsplit("\t")[-1])]
    assert data.examples(DEV)[0].label in data.labels


_STSB = "index\tgenre\tfilename\tyear\told_index\tsource1\tsource2\tsentence1\tsentence2\tscore\n"


def test_stsb_has_numbers(tmp_path: Path) -> None:
    row = "0\tmain-captions\tMSRvid\t2012test\t0001\tnone\tnone\tone\tanother\t"
    (tmp_path / "train.tsv").write_text(f"{_STSB}{row}3.800\n")
    (tmp_path / "test.tsv").write_text(_STSB.replace("\tscore", "") + row.rstrip("\t") + "\n")
    data = GlueDataset(find_task("STSB"), tmp_path)
    assert data.task is REGRESSION and data.labels == () and data.is_pair
    assert data.examples(TRAIN) == [InputExample("one", "another", 3.8)]
    assert data.examples(TEST) == [InputExample("one", "another")]
    for wrong in ("", "high", "nan", "1e999"):
        (tmp_path / "train.tsv").write_text(f"{_STSB}{row}{wrong}\n")
        with pytest.raises(UserError, match=rf"line 2, column 10: found '{wrong}', where a number"):
            data.examples(TRAIN)


def test_xnli_is_read_in_one_language(tmp_path: Path) -> None:
    """run_classifier.py, XnliProcessor."""
    (tmp_path / "multinli").mkdir()
    (tmp_path / "multinli" / "multinli.train.de.tsv").write_text(
        "premise\thypo\tlabel\neins\tzwei\tcontradictory\nein\tzwei\tneutral\n"
    )
    header = "language\tgold_label\t" + "\t".join(f"parse{i}" for i in range(4))
    rows = [f"{header}\tsentence1\tsentence2\tpromptID"]
    rows += [
        f"{language}\tentailment\t\t\t\t\t{language} a\tb\t1" for language in ("ar", "de", "zh")
    ]
    for name in ("dev", "test"):
        (tmp_path / f"xnli.{name}.tsv").write_text("\n".join(rows))
    data = GlueDataset(find_task("XNLI"), tmp_path, "de")
    assert data.examples(TRAIN) == [
        InputExample("eins", "zwei", "contradiction"),
        InputExample("ein", "zwei", "neutral"),
    ]
    assert data.examples(DEV) == [InputExample("de a", "b", "entailment")]
    assert data.examples(TEST) == [InputExample("de a", "b")]
    assert GlueDataset(find_task("xnli"), tmp_path).examples(DEV)[0].text_a == "zh a"
    other = GlueDataset(find_task("xnli"), tmp_path, "fr")
    with pytest.raises(UserError, match=r"no row of the language 'fr', .* ar, de, zh: name one"):
        other.examples(DEV)


def test_mnli_of_more_columns_has_its_label_in_the_last(tmp_path: Path) -> None:
    (tmp_path / "train.tsv").write_text(f"{_FILES['mnli'][0]}\n{_FILES['mnli'][1]}\n")
    assert GlueDataset(find_task("MNLI"), tmp_path).examples(TRAIN)[0].label == "entailment"
    (tmp_path / "train.tsv").write_text("header\n" + "\t" * 8 + "one\n")
    with pytest.raises(UserError, match="at least 10 columns"):
        GlueDataset(find_task("mnli"), tmp_path).examples(TRAIN)
