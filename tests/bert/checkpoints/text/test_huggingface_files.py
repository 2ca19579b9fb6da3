"""Reading the files of Hugging Face tokenizers."""

import json
from pathlib import Path

import pytest
import tokenizers

from bert.errors import UserError
from bert.tokenizers.huggingface.settings import SPECIAL_TOKENS, AddedToken
from tests.bert.checkpoints.text.tokenizer_files import (
    GENERIC,
    PIECES,
    build,
    find,
    write_json,
    write_vocabulary,
)


def test_tokenizer_json(tmp_path: Path) -> None:
    tokenizer = build(lowercase=False, strip_accents=True, handle_chinese_chars=False)
    tokenizer.add_tokens(
        [
            tokenizers.AddedToken("bar", single_word=True, lstrip=True),
            tokenizers.AddedToken("foo", normalized=False, rstrip=True),
        ]
    )
    tokenizer.enable_truncation(7)
    tokenizer.enable_padding()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    write_json(tmp_path / "tokenizer_config.json", GENERIC)
    found = find(tmp_path)
    settings = found.settings
    assert found.vocabulary.tokens == (*PIECES, "bar")
    assert (settings.lowercase, settings.strip_accents, settings.clean_text) == (False, True, True)
    assert not settings.handle_chinese_chars
    assert (settings.cls_token, settings.sep_token, settings.unk_token) == SPECIAL_ROLES
    by_content = {token.content: token for token in settings.added_tokens}
    assert by_content["bar"] == AddedToken(
        "bar", 9, normalized=True, single_word=True, lstrip=True, is_word_piece=False
    )
    assert by_content["foo"] == AddedToken("foo", 7, rstrip=True)
    assert settings.word_pieces(found.vocabulary).tokens == (*PIECES, "")
    assert "PreTrainedTokenizerFast" in found.casing.source


SPECIAL_ROLES = ("[CLS]", "[SEP]", "[UNK]")


@pytest.mark.parametrize("strip_accents", [None, True, False])
def test_accents_follow_casing(strip_accents: bool | None, tmp_path: Path) -> None:
    build(lowercase=True, strip_accents=strip_accents).save(str(tmp_path / "tokenizer.json"))
    write_json(tmp_path / "tokenizer_config.json", GENERIC)
    expected = True if strip_accents is None else strip_accents
    assert find(tmp_path).settings.strip_accents == expected
    with pytest.raises(UserError, match="--do_lower_case is False"):
        find(tmp_path, do_lower_case=False)
    # BertTokenizer has no ear for tokenizer.json.
    write_json(tmp_path / "tokenizer_config.json", {})
    assert find(tmp_path).settings.strip_accents
    flagged = find(tmp_path, do_lower_case=False).settings
    assert (flagged.lowercase, flagged.strip_accents) == (False, False)


# Lower-casing, accents and Chinese characters as transformers 5.23 sets them, for tokenizer.json
# and tokenizer_config.json as in `_FILES`; 4.57 agrees but for ConvBertTokenizer.
_FILES: tuple[tuple[bool | None, dict[str, bool]], ...] = (
    (None, {}),
    (None, {"do_lower_case": False}),
    (False, {}),
    (False, {"do_lower_case": True}),
    (True, {"do_lower_case": False}),
    (True, {"strip_accents": False}),
    (True, {"tokenize_chinese_chars": False}),
)
_BY_CONFIG = ("TTT", "FFT", "TTT", "TTT", "FFT", "TFT", "TTF")
_BY_TOKENIZER_JSON = ("", "", "FFT", "FFT", "TTT", "TTT", "TTT")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (None, _BY_CONFIG),
        ("BertTokenizer", _BY_CONFIG),
        ("BertTokenizerFast", _BY_CONFIG),
        ("DistilBertTokenizerFast", _BY_CONFIG),
        ("ElectraTokenizer", _BY_CONFIG),
        ("ConvBertTokenizer", _BY_CONFIG[:2] + _BY_TOKENIZER_JSON[2:]),
        ("PreTrainedTokenizerFast", _BY_TOKENIZER_JSON),
        ("TokenizersBackend", _BY_TOKENIZER_JSON),
    ],
)
@pytest.mark.parametrize("place", ["tokenizer_config.json", "config.json"])
def test_the_class_says_which_file_decides(
    name: str | None, expected: tuple[str, ...], place: str, tmp_path: Path
) -> None:
    for (lowercase, told), letters in zip(_FILES, expected, strict=True):
        directory = tmp_path / str(len([*tmp_path.iterdir()]))
        directory.mkdir()
        # With capitals, which are no reason for the library not to lower-case.
        (directory / "vocab.txt").write_text("\n".join((*PIECES, "The")))
        if lowercase is not None:
            build(lowercase=lowercase).save(str(directory / "tokenizer.json"))
        write_json(directory / "config.json", {"model_type": "bert"})
        write_json(directory / "tokenizer_config.json", told)
        if name is not None:
            content = json.loads((directory / place).read_text())
            write_json(directory / place, {**content, "tokenizer_class": name})
        if not letters:
            with pytest.raises(UserError, match="and nothing else"):
                find(directory)
            continue
        found = find(directory).settings
        flags = (found.lowercase, found.strip_accents, found.handle_chinese_chars)
        assert "".join("FT"[flag] for flag in flags) == letters, (lowercase, told)


def test_tokenizer_config_goes_first(tmp_path: Path) -> None:
    """BertTokenizerFast sets the normalizer of tokenizer.json by it."""
    build(lowercase=True, strip_accents=True).save(str(tmp_path / "tokenizer.json"))
    config = {"do_lower_case": False, "strip_accents": None, "tokenize_chinese_chars": False}
    write_json(tmp_path / "tokenizer_config.json", config)
    settings = find(tmp_path).settings
    assert (settings.lowercase, settings.strip_accents) == (False, False)
    assert not settings.handle_chinese_chars
    with pytest.raises(UserError, match="--do_lower_case"):
        find(tmp_path, do_lower_case=True)


def test_vocabulary_alone(tmp_path: Path) -> None:
    write_vocabulary(tmp_path)
    found = find(tmp_path, do_lower_case=False)
    assert found.vocabulary.tokens == PIECES
    assert not found.settings.lowercase and not found.settings.strip_accents
    assert {(t.content, t.id) for t in found.settings.added_tokens} == {
        (name, PIECES.index(name)) for name in SPECIAL_TOKENS
    }
    assert not any(token.normalized for token in found.settings.added_tokens)


def test_vocabulary_lines(tmp_path: Path) -> None:
    """Numbered as the library does: every line, white space cut off its end, the last wins."""
    (tmp_path / "vocab.txt").write_bytes(b"[UNK]\r\n[CLS]\r\n[SEP]\n\n a\nfoo \nfoo\n")
    found = find(tmp_path, do_lower_case=True)
    assert found.vocabulary.tokens == ("[UNK]", "[CLS]", "[SEP]", "", " a", "", "foo")
