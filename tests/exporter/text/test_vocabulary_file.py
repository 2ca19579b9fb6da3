r"""How vocab.txt is read: GitHub's `load_vocab`, and the artefact with such a vocabulary.

Every line is numbered, blank ones too, lines end with \n only, and of equal lines the last
one wins.
"""

from pathlib import Path

import pytest

from bert.tokenizers.vocabulary import Vocabulary
from exporter.text.engine.wordpiece import CLASSIC_OP, FAST_OP
from tests.exporter.text.tokenizer_artefact import save_and_load
from tests.oracles.original_tokenizer import original_tokenizer, read_as_github

_HEAD = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n"
_PIECES = "the\nfilm\nun\n##aff\n##able\na\n##a\nb\n##b\nx\n##x\n.\n#\n"

_FILES = {
    "well-formed": _HEAD + _PIECES,
    "no last line end": (_HEAD + _PIECES).rstrip("\n"),
    "CRLF": (_HEAD + _PIECES).replace("\n", "\r\n"),
    "CRLF here and there": _HEAD + "the\r\nfilm\n##a\r\na\n",
    "byte order mark": "\ufeff" + _HEAD + _PIECES,
    "byte order mark on a piece": _HEAD + "a\n\ufeffthe\nb\n",
    "blank lines": "\n" + _HEAD + "\n\na\n \t \nthe\n\n" + _PIECES + "\n\n",
    "duplicates": _HEAD + "the\na\n##a\n" + _PIECES + "the\nthe\n##able\n",
    "a special token twice": _HEAD + _PIECES + "[UNK]\n[CLS]\n[SEP]\n",
    "spaces around": _HEAD + "the  \n  film\n a \n\tb\t\n##a \n ##b\n",
    "equal once stripped": _HEAD + "the\na\nthe \n a\n",
    "spaces inside": _HEAD + "the film\na b\na\nslot 4\nthe\n",
    "other line ends": _HEAD + "a\x0bb\nthe\x0c\na\u2028b\na\x85b\nfilm\n\x1cb\nb\n",
    # TensorFlow's line reader, which the original reads with, drops them everywhere.
    "CR inside": _HEAD + "a\rb\nthe\r\r\n\ra\nb\n",
    "bare prefix": _HEAD + "##\n#\n###\n####\na\n##a\n",
    "capitals": _HEAD + "The\nthe\nTHE\n##AFF\n##Able\nA\n" + _PIECES,
    "decomposed": _HEAD + "é\ne\u0301\ne\n##\u0301\ncafé\n" + _PIECES,
    "a long piece": _HEAD + "x" * 250 + "\n" + "x" * 200 + "\n##" + "x" * 199 + "\nx\n##x\n",
}

_TEXTS = (
    "the film. unaffable THE FILM, Unaffable UNAFFABLE ##a # ## a b ab ba aab abx café é e\u0301",
    "the\u2028film a\x0bb a\x0cb a\rb a\x85b a\u2028b \ufeffthe slot 4 [UNK] [CLS] [SEP] [PAD]",
    "x" * 250 + " " + "x" * 201 + " " + "x" * 200 + " " + "x" * 199,
    "",
)


@pytest.fixture(params=list(_FILES))
def vocabulary_file(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    file = tmp_path / "vocab.txt"
    file.write_bytes(_FILES[request.param].encode())
    return file


def test_ids_are_line_numbers(vocabulary_file: Path) -> None:
    vocabulary = Vocabulary.from_file(vocabulary_file)
    assert vocabulary.ids == read_as_github(vocabulary_file)
    content = vocabulary_file.read_bytes()
    assert len(vocabulary) == content.count(b"\n") + (not content.endswith(b"\n"))


@pytest.mark.parametrize(
    ("do_lower_case", "op"), [(True, FAST_OP), (False, CLASSIC_OP)], ids=["uncased", "cased"]
)
def test_artefact(vocabulary_file: Path, do_lower_case: bool, op: str, tmp_path: Path) -> None:
    in_graph = save_and_load(tmp_path / "artefact", vocabulary_file, do_lower_case, op)
    original = original_tokenizer(vocabulary_file, do_lower_case)
    lines = [text.encode() for text in _TEXTS]
    assert in_graph(lines) == [original(line) for line in lines]


def test_the_wheel_agrees_where_files_are_well_formed(tmp_path: Path) -> None:
    """So that the other tests may put GitHub's numbers into the wheel's tokenizer."""
    from tests.oracles.original_bert import load_tokenization

    file = tmp_path / "vocab.txt"
    file.write_bytes(_FILES["well-formed"].encode())
    assert dict(load_tokenization().load_vocab(str(file))) == read_as_github(file)
