"""Tagged words in files: what is read, what is refused, and what becomes of it."""

import json
from pathlib import Path

import numpy as np
import pytest
from absl import flags

from bert.errors import UserError
from bert.run_classifier import define_flags, main
from bert.tokenizers.google_research import FullTokenizer
from bert.tokenizers.vocabulary import Vocabulary
from bert.training.dataset import DEV, TEST, TRAIN
from bert.training.tagging.dataset import TaggingDataset
from bert.training.tagging.encoding import NO_TOKEN, encode_sentence, has_label
from bert.training.tagging.evaluation import measure, word_tags
from bert.training.tagging.sentences import TaggedSentence, read_sentences
from bert.training.token_models import IGNORED
from tests.tiny_model import tiny_tokens

LABELS = ("B-LOC", "B-PER", "I-PER", "O")
WRITTEN = [
    (("the", "film"), ("O", "B-PER")),
    (("a\u00a0b", "is", "not"), ("B-PER", "I-PER", "O")),
]
FORMS = {
    "train.conll": "-DOCSTART- -X- O\n\nthe DT O\nfilm  NN \tB-PER\n\n\n"
    "a\u00a0b X B-PER\nis X I-PER \r\nnot X O",
    "train.tsv": "\n \t\nthe\tO\nfilm\tB-PER\n\na\u00a0b\tB-PER\r\nis\tI-PER\nnot\tO\n",
    "train.jsonl": "\n".join(
        json.dumps({"tokens": words, "tags": tags}) for words, tags in WRITTEN
    ),
}


@pytest.mark.parametrize("name", FORMS)
def test_the_forms_of_a_file(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    file.write_bytes(b"\xef\xbb\xbf" + FORMS[name].encode())
    found = [(sentence.words, sentence.tags) for sentence in read_sentences(file, TRAIN)]
    assert found == WRITTEN


def test_tokens_alone_can_be_predicted(tmp_path: Path) -> None:
    file = tmp_path / "test.txt"
    file.write_text("the\nfilm\n\nis\n")
    found = [(sentence.words, sentence.tags) for sentence in read_sentences(file, TEST)]
    assert found == [(("the", "film"), None), (("is",), None)]
    file = tmp_path / "test.jsonl"
    file.write_text('{"tokens": ["the"]}\n')
    assert read_sentences(file, TEST)[0].tags is None


@pytest.mark.parametrize(
    ("name", "content", "line", "told"),
    [
        ("train.conll", "the O\n B-PER\n", 2, "without a token before it"),
        ("train.conll", "the O\nfilm\n", 2, "found 1 columns, where 2"),
        ("train.conll", "the\n", 1, "without a tag"),
        ("train.tsv", "the\tO\n\nfilm\tis\tO\n", 3, "found 3 columns, where 2"),
        ("train.tsv", "the\tO\n\tB-PER\n", 2, "without a token before it"),
        ("train.tsv", "the\tX\tO\nfilm\t\n", 2, "found 2 columns, where 3"),
        ("train.txt", b"the O\nf\xfflm O\n", 2, "UTF-8"),
        ("train.jsonl", '{"tokens": ["the"], "tags": []}', 1, "found [], where a list"),
        ("train.jsonl", '\n{"tokens": ["a", "b"], "tags": ["O"]}', 2, "found 2 tokens and 1 tags"),
        ("train.jsonl", '{"tokens": ["a"]}', 1, "found no 'tags'"),
        ("train.jsonl", '{"tokens": [""], "tags": ["O"]}', 1, "found [''], where a list"),
        ("train.jsonl", "[]", 1, "object"),
    ],
)
def test_a_wrong_line_is_named_before_training(
    name: str,
    content: str | bytes,
    line: int,
    told: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    values = flags.FlagValues()
    define_flags(values)
    given = ["--task_name=ner", f"--data_dir={tmp_path}", f"--output_dir={tmp_path / 'out'}"]
    values(["run_classifier", *given, "--do_train"])
    assert main(["run_classifier"], values) == 1
    error = capfd.readouterr().err
    assert f"{file}, line {line}: " in error and told in error and "Traceback" not in error


@pytest.mark.parametrize(
    ("task", "flag", "needed"),
    [("ner", "multilabel", "custom"), ("custom", "label_all_tokens", "ner")],
)
def test_flags_of_other_tasks_are_refused(
    task: str, flag: str, needed: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    values = flags.FlagValues()
    define_flags(values)
    given = [f"--task_name={task}", f"--data_dir={tmp_path}", f"--output_dir={tmp_path / 'out'}"]
    values(["run_classifier", *given, "--do_train", f"--{flag}"])
    assert main(["run_classifier"], values) == 1
    assert f"--{flag} is for --task_name={needed}" in capfd.readouterr().err


def test_a_file_without_sentences(tmp_path: Path) -> None:
    file = tmp_path / "train.conll"
    file.write_text("\n-DOCSTART- O\n")
    with pytest.raises(UserError, match="no sentences"):
        read_sentences(file, TRAIN)


def test_a_tag_that_training_does_not_have(tmp_path: Path) -> None:
    (tmp_path / "train.conll").write_text("the O\nfilm B-PER\n")
    (tmp_path / "dev.conll").write_text("the O\nfilm B-LOC\n")
    dataset = TaggingDataset(tmp_path, None, tmp_path / "out", 0.0, 7)
    assert dataset.labels == ("B-PER", "O")
    with pytest.raises(UserError, match=r"dev\.conll, line 2: found the tag 'B-LOC'"):
        dataset.sentences("dev")
    given = TaggingDataset(tmp_path, LABELS, tmp_path / "out", 0.0, 7)
    assert given.labels == LABELS
    assert given.sentences("dev")[0].tags == ("O", "B-LOC")


def test_a_share_of_each_kind_of_sentence_is_held_out(tmp_path: Path) -> None:
    """Of a sentence's rarest tag, or of those without one; what occurs once stays to be learnt."""
    tags = ["O"] * 40 + ["B-PER"] * 20 + ["B-LOC"] * 10 + ["B-ORG"]
    rows = [f"word{index} {tag}\nthe O\n\n" for index, tag in enumerate(tags)]
    (tmp_path / "train.txt").write_text("".join(rows))
    dataset = TaggingDataset(tmp_path, None, tmp_path / "out", 0.2, 7)
    assert dataset.has(DEV) and not dataset.has(TEST)
    train, dev = dataset.sentences(TRAIN), dataset.sentences(DEV)
    found = [sentence.tags[0] for sentence in dev if sentence.tags]
    assert {tag: found.count(tag) for tag in set(tags)} == {
        "O": 8,
        "B-PER": 4,
        "B-LOC": 2,
        "B-ORG": 0,
    }
    first_words = [sentence.words[0] for sentence in train + dev]
    assert sorted(first_words) == sorted(f"word{index}" for index in range(len(tags)))
    assert TaggingDataset(tmp_path, None, tmp_path / "out", 0.2, 7).sentences(DEV) == dev
    assert TaggingDataset(tmp_path, None, tmp_path / "out", 0.2, 8).sentences(DEV) != dev
    assert not TaggingDataset(tmp_path, None, tmp_path / "out", 0.0, 7).has(DEV)
    (tmp_path / "dev.conll").write_text("the O\n")
    again = TaggingDataset(tmp_path, None, tmp_path / "out", 0.2, 7)
    assert (len(again.sentences(TRAIN)), len(again.sentences(DEV))) == (len(tags), 1)


def test_one_tag_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.conll").write_text("the O\nfilm O\n")
    with pytest.raises(UserError, match="every word has the tag 'O'"):
        _ = TaggingDataset(tmp_path, None, tmp_path, 0.0, 7).labels


def test_first_pieces_carry_the_tags() -> None:
    """`funny` is fun ##ny, U+200B is no token, and the last word lies behind the length."""
    tokenizer = FullTokenizer(Vocabulary(tiny_tokens()), do_lower_case=True)
    words = ("the", "\u200b", "funny-film", "funny", "x")
    tags = ("O", "O", "B-PER", "I-PER", "O")
    sentence = TaggedSentence([""] * 5, words, tags)
    encoded = encode_sentence(sentence, tokenizer, LABELS, max_seq_length=8)
    pieces = ["[CLS]", "the", "fun", "##ny", "-", "film", "fun", "[SEP]"]
    assert encoded.ids.tolist() == tokenizer.vocabulary.convert_tokens_to_ids(pieces)
    assert encoded.first_pieces.tolist() == [1, NO_TOKEN, 2, 6, NO_TOKEN]
    assert isinstance(encoded.label_id, np.ndarray)
    own = [LABELS.index(tag) for tag in ("O", "B-PER", "I-PER")]
    no = IGNORED
    assert encoded.label_id.tolist() == [no, own[0], own[1], no, no, no, own[2], no]
    assert has_label(encoded)
    everything = encode_sentence(sentence, tokenizer, LABELS, 8, label_all_tokens=True)
    assert isinstance(everything.label_id, np.ndarray)
    assert everything.label_id.tolist() == [no, own[0], own[1], *[own[2]] * 4, no]
    (found,) = word_tags([encoded], [np.array([0, 3, 1, 1, 1, 1, 2, 0])], LABELS)
    assert found == ["O", "O", "B-PER", "I-PER", "O"]


def test_entities_count_whole() -> None:
    expected = [["B-PER", "I-PER", "O"], ["B-LOC"]]
    found = [["B-PER", "O", "O"], ["B-LOC"]]
    assert measure(found, expected) == {
        "accuracy": 0.75,
        "f1": 0.5,
        "precision": 0.5,
        "recall": 0.5,
    }
