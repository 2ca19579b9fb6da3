"""Tokens beside the vocabulary of a Hugging Face tokenizer, and which file names them."""

from pathlib import Path
from typing import Any

import pytest

from bert.tokenizers.huggingface.settings import SPECIAL_TOKENS, AddedToken
from tests.bert.checkpoints.text.tokenizer_files import (
    PIECES,
    build,
    find,
    write_json,
    write_vocabulary,
)


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
    assert found.vocabulary.tokens == (*PIECES, "<e>", "bar")
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
    found = {(t.content, t.id, t.normalized) for t in settings.added_tokens if t.id >= len(PIECES)}
    assert found == added
    assert {t.content for t in settings.added_tokens if t.id < len(PIECES)} == {*SPECIAL_TOKENS}


def test_added_tokens_decoder_replaces_other_files(tmp_path: Path) -> None:
    """BertTokenizer of release 5 leaves out the tokens of tokenizer.json then."""
    tokenizer = build()
    tokenizer.add_tokens(["arate"])
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    write_json(tmp_path / "special_tokens_map.json", {"additional_special_tokens": ["<b>"]})
    write_json(tmp_path / "tokenizer_config.json", {"added_tokens_decoder": {"9": _CITY}})
    assert find(tmp_path).vocabulary.tokens == (*PIECES, "<city>")


def test_added_tokens_of_tokenizer_config(tmp_path: Path) -> None:
    write_vocabulary(tmp_path)
    token = {"content": "bar", "normalized": True, "single_word": True, "special": False}
    write_json(tmp_path / "tokenizer_config.json", {"added_tokens_decoder": {"9": token}})
    found = find(tmp_path)
    assert found.vocabulary.tokens == (*PIECES, "bar")
    assert AddedToken("bar", 9, True, True, is_word_piece=False) in found.settings.added_tokens
