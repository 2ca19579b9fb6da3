"""Hugging Face tokenizers that are not read as BERT's, refused by the file that says so."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bert.checkpoints.text.huggingface_files import find_tokenizer
from bert.errors import UserError
from tests.bert.checkpoints.text.tokenizer_files import (
    PIECES,
    build,
    find,
    write_json,
    write_vocabulary,
)


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
    assert find(tmp_path).vocabulary.tokens == PIECES


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
    assert find_tokenizer(tmp_path, tmp_path / "vocab.txt", None).vocabulary.tokens == PIECES
    (tmp_path / "vocab.txt").write_text("[UNK]\n[CLS]\n[SEP]\n")
    with pytest.raises(UserError, match="belong together"):
        find_tokenizer(tmp_path, tmp_path / "vocab.txt", None)
