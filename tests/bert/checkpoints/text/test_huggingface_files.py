"""Reading the files of Hugging Face tokenizers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, processors

from bert.checkpoints.text.huggingface_files import HuggingFaceTokenizerFiles, find_tokenizer
from bert.errors import UserError
from bert.tokenizers.huggingface.settings import SPECIAL_TOKENS, AddedToken

_PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##a", "foo", "é")


def build(**settings: Any) -> tokenizers.Tokenizer:
    """A tokenizer as the library makes it."""
    tokenizer = tokenizers.Tokenizer(
        models.WordPiece({piece: i for i, piece in enumerate(_PIECES)}, unk_token="[UNK]")
    )
    tokenizer.normalizer = normalizers.BertNormalizer(**settings)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS]:0 $A:0 [SEP]:0",
        pair="[CLS]:0 $A:0 [SEP]:0 $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    return tokenizer


def find(directory: Path, do_lower_case: bool | None = None) -> HuggingFaceTokenizerFiles:
    return find_tokenizer(directory, None, do_lower_case)


def write_vocabulary(directory: Path) -> None:
    (directory / "vocab.txt").write_text("".join(f"{piece}\n" for piece in _PIECES))


def write_json(file: Path, content: dict[str, Any]) -> None:
    file.write_text(json.dumps(content))


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
    write_json(tmp_path / "tokenizer_config.json", _GENERIC)
    found = find(tmp_path)
    settings = found.settings
    assert found.vocabulary.tokens == (*_PIECES, "bar")
    assert (settings.lowercase, settings.strip_accents, settings.clean_text) == (False, True, True)
    assert not settings.handle_chinese_chars
    assert (settings.cls_token, settings.sep_token, settings.unk_token) == SPECIAL_ROLES
    by_content = {token.content: token for token in settings.added_tokens}
    assert by_content["bar"] == AddedToken(
        "bar", 9, normalized=True, single_word=True, lstrip=True, is_word_piece=False
    )
    assert by_content["foo"] == AddedToken("foo", 7, rstrip=True)
    assert settings.word_pieces(found.vocabulary).tokens == (*_PIECES, "")
    assert "PreTrainedTokenizerFast" in found.casing.source


_GENERIC = {"tokenizer_class": "PreTrainedTokenizerFast"}
SPECIAL_ROLES = ("[CLS]", "[SEP]", "[UNK]")


@pytest.mark.parametrize("strip_accents", [None, True, False])
def test_accents_follow_casing(strip_accents: bool | None, tmp_path: Path) -> None:
    build(lowercase=True, strip_accents=strip_accents).save(str(tmp_path / "tokenizer.json"))
    write_json(tmp_path / "tokenizer_config.json", _GENERIC)
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
        (directory / "vocab.txt").write_text("\n".join((*_PIECES, "The")))
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


@pytest.mark.parametrize("name", ["BertJapaneseTokenizer", "XLMRobertaTokenizer", "MyTokenizer"])
@pytest.mark.parametrize("place", ["tokenizer_config.json", "config.json"])
@pytest.mark.parametrize("has_tokenizer_json", [True, False])
def test_another_class_is_refused_wherever_it_is_named(
    name: str, place: str, has_tokenizer_json: bool, tmp_path: Path
) -> None:
    write_vocabulary(tmp_path)
    if has_tokenizer_json:
        build().save(str(tmp_path / "tokenizer.json"))
    write_json(tmp_path / place, {"tokenizer_class": name})
    with pytest.raises(UserError, match=f"{place}: the tokenizer_class is {name}"):
        find(tmp_path)


def test_truncation_of_the_beginning_is_refused_by_the_file_that_says_it(tmp_path: Path) -> None:
    tokenizer = build()
    tokenizer.enable_truncation(8, direction="left")
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(UserError, match=r"tokenizer.json: truncation.direction is 'Left'"):
        find(tmp_path)
    write_json(tmp_path / "tokenizer_config.json", {"truncation_side": "right"})
    assert find(tmp_path).vocabulary.tokens == _PIECES


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
    assert found.vocabulary.tokens == _PIECES
    assert not found.settings.lowercase and not found.settings.strip_accents
    assert {(t.content, t.id) for t in found.settings.added_tokens} == {
        (name, _PIECES.index(name)) for name in SPECIAL_TOKENS
    }
    assert not any(token.normalized for token in found.settings.added_tokens)


def test_older_files(tmp_path: Path) -> None:
    write_vocabulary(tmp_path)
    write_json(tmp_path / "added_tokens.json", {"bar": 10, "<e>": 9})
    write_json(
        tmp_path / "special_tokens_map.json",
        {
            "cls_token": "[CLS]",
            "mask_token": {"content": "[MASK]", "lstrip": True, "normalized": False},
            "additional_special_tokens": ["<e>"],
        },
    )
    found = find(tmp_path)
    assert found.vocabulary.tokens == (*_PIECES, "<e>", "bar")
    by_content = {token.content: token for token in found.settings.added_tokens}
    assert by_content["bar"] == AddedToken("bar", 10, normalized=True, is_word_piece=False)
    # transformers 5.23 finds it in lower-cased text, too.
    assert by_content["<e>"] == AddedToken("<e>", 9, normalized=True, is_word_piece=False)
    assert by_content["[MASK]"] == AddedToken("[MASK]", 4, lstrip=True)


@pytest.mark.parametrize("place", ["tokenizer_config.json", "special_tokens_map.json"])
@pytest.mark.parametrize("name", ["extra_special_tokens", "additional_special_tokens"])
def test_which_list_makes_a_token_of_added_tokens_raw(
    place: str, name: str, tmp_path: Path
) -> None:
    """As transformers 5.23, asked for all four, has it."""
    write_vocabulary(tmp_path)
    write_json(tmp_path / "added_tokens.json", {"<e>": 9})
    write_json(tmp_path / place, {name: ["<e>"]})
    (token,) = (t for t in find(tmp_path).settings.added_tokens if t.content == "<e>")
    is_late = place == "special_tokens_map.json" and name == "additional_special_tokens"
    assert token.normalized == is_late


_CITY = {"content": "<city>", "normalized": False, "special": True}
_RATE = {"content": "arate", "normalized": True, "special": False}


@pytest.mark.parametrize("name", [None, "BertTokenizer", "PreTrainedTokenizerFast"])
@pytest.mark.parametrize(
    ("file", "content", "added"),
    [
        (
            "tokenizer_config.json",
            {"added_tokens_decoder": {"9": _CITY, "10": _RATE}},
            {("<city>", 9, False), ("arate", 10, True)},
        ),
        (
            "tokenizer_config.json",
            {"additional_special_tokens": ["<city>", "<b>"]},
            {("<city>", 9, False), ("<b>", 10, False)},
        ),
        (
            "tokenizer_config.json",
            {"extra_special_tokens": {"city_token": "<city>"}},
            {("<city>", 9, False)},
        ),
        (
            "special_tokens_map.json",
            {"additional_special_tokens": ["<city>", "<b>"]},
            {("<city>", 9, False), ("<b>", 10, False)},
        ),
        ("added_tokens.json", {"arate": 9}, {("arate", 9, True)}),
    ],
)
def test_added_tokens_that_tokenizer_json_lacks(
    name: str | None,
    file: str,
    content: dict[str, Any],
    added: set[tuple[str, int, bool]],
    tmp_path: Path,
) -> None:
    """The library adds them on loading, behind the nine of the vocabulary."""
    build().save(str(tmp_path / "tokenizer.json"))
    if name is not None:
        write_json(tmp_path / "config.json", {"tokenizer_class": name})
    write_json(tmp_path / file, content)
    settings = find(tmp_path).settings
    found = {(t.content, t.id, t.normalized) for t in settings.added_tokens if t.id >= len(_PIECES)}
    assert found == added
    assert {t.content for t in settings.added_tokens if t.id < len(_PIECES)} == {*SPECIAL_TOKENS}


def test_added_tokens_decoder_replaces_other_files(tmp_path: Path) -> None:
    """BertTokenizer of release 5 leaves out the tokens of tokenizer.json then."""
    tokenizer = build()
    tokenizer.add_tokens(["arate"])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    write_json(tmp_path / "special_tokens_map.json", {"additional_special_tokens": ["<b>"]})
    write_json(tmp_path / "tokenizer_config.json", {"added_tokens_decoder": {"9": _CITY}})
    assert find(tmp_path).vocabulary.tokens == (*_PIECES, "<city>")


def test_added_tokens_of_tokenizer_config(tmp_path: Path) -> None:
    write_vocabulary(tmp_path)
    token = {"content": "bar", "normalized": True, "single_word": True, "special": False}
    write_json(tmp_path / "tokenizer_config.json", {"added_tokens_decoder": {"9": token}})
    found = find(tmp_path)
    assert found.vocabulary.tokens == (*_PIECES, "bar")
    assert AddedToken("bar", 9, True, True, is_word_piece=False) in found.settings.added_tokens


def test_vocabulary_lines(tmp_path: Path) -> None:
    """Numbered as the library does: every line, white space cut off its end, the last wins."""
    (tmp_path / "vocab.txt").write_bytes(b"[UNK]\r\n[CLS]\r\n[SEP]\n\n a\nfoo \nfoo\n")
    found = find(tmp_path, do_lower_case=True)
    assert found.vocabulary.tokens == ("[UNK]", "[CLS]", "[SEP]", "", " a", "", "foo")


def _set(*path: str | int) -> Callable[[dict[str, Any], Any], None]:
    def change(content: dict[str, Any], value: Any) -> None:
        for key in path[:-1]:
            content = content[key]  # type: ignore[index]
        content[path[-1]] = value  # type: ignore[index]

    return change


_FAULTS: dict[str, tuple[Callable[[dict[str, Any], Any], None], Any, str]] = {
    "another normalizer": (_set("normalizer"), {"type": "NFC"}, "NFC"),
    "no normalizer": (_set("normalizer"), None, "normalizer is missing"),
    "two normalizers": (
        _set("normalizer"),
        {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Lowercase"}]},
        "Sequence",
    ),
    "another pre-tokenizer": (_set("pre_tokenizer"), {"type": "Whitespace"}, "Whitespace"),
    "another model": (_set("model", "type"), "BPE", "BPE"),
    "another prefix": (_set("model", "continuing_subword_prefix"), "@@", "@@"),
    "no limit": (_set("model", "max_input_chars_per_word"), 0, "max_input_chars_per_word"),
    "no vocabulary": (_set("model", "vocab"), {}, "vocab"),
    "equal ids": (_set("model", "vocab", "a"), 6, "different ids"),
    "an id that no table has room for": (_set("model", "vocab", "a"), 10**12, "below 10000000"),
    "added tokens that are none": (_set("added_tokens"), 5, "added_tokens is 5"),
    "no unknown token": (_set("model", "unk_token"), "<unk>", "<unk>"),
    "no post-processor": (_set("post_processor"), None, "post_processor"),
    "another post-processor": (_set("post_processor"), {"type": "ByteLevel"}, "ByteLevel"),
    "another template": (_set("post_processor", "single"), [], "TemplateProcessing"),
    "another id": (_set("added_tokens", 0, "id"), 77, "77"),
    "no content": (_set("added_tokens", 0, "content"), None, "added_tokens"),
    "no number": (_set("normalizer", "lowercase"), "yes", "lowercase"),
}


@pytest.mark.parametrize("name", list(_FAULTS))
def test_what_is_not_berts_is_refused_by_name(name: str, tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    build().save(str(file))
    content = json.loads(file.read_text())
    change, value, told = _FAULTS[name]
    change(content, value)
    write_json(file, content)
    with pytest.raises(UserError) as caught:
        find(tmp_path)
    assert told in str(caught.value) and "tokenizer.json" in str(caught.value)


@pytest.mark.parametrize(
    "config",
    [
        {"tokenizer_class": "BertJapaneseTokenizer"},
        {"word_tokenizer_type": "mecab"},
        {"subword_tokenizer_type": "wordpiece"},
        {"tokenizer_class": "DPRContextEncoderTokenizer", "do_lower_case": False},
        {"do_basic_tokenize": False},
        {"split_special_tokens": True},
        {"truncation_side": "left"},
        {"wordpieces_prefix": "@@"},
        {"strip_accents": "no"},
        {"added_tokens_decoder": {"nine": {"content": "bar"}}},
        {"added_tokens_decoder": {"12": {"content": "bar"}}},
        {"unk_token": "<unk>"},
        {"cls_token": {"lstrip": True}},
        {"additional_special_tokens": 5},
    ],
    ids=str,
)
def test_settings_that_are_not_berts(config: dict[str, Any], tmp_path: Path) -> None:
    write_vocabulary(tmp_path)
    write_json(tmp_path / "tokenizer_config.json", config)
    with pytest.raises(UserError):
        find(tmp_path)


def test_another_vocabulary_beside_tokenizer_json(tmp_path: Path) -> None:
    build().save(str(tmp_path / "tokenizer.json"))
    write_vocabulary(tmp_path)
    assert find_tokenizer(tmp_path, tmp_path / "vocab.txt", None).vocabulary.tokens == _PIECES
    (tmp_path / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]\n")
    with pytest.raises(UserError, match="belong together"):
        find_tokenizer(tmp_path, tmp_path / "vocab.txt", None)
