"""Directories as users have them: wrappers are read through, and refusals say what would help."""

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from bert.checkpoints import ReadOptions, read
from bert.errors import UserError
from tests.bert.checkpoints.huggingface.directory import (
    CONFIG,
    TOKENS,
    tensors,
    variables,
    write_directory,
)
from tests.bert.checkpoints.model_assertions import assert_weights

_OPTIONS = ReadOptions()


@pytest.mark.parametrize("prefix", ["module.", "_orig_mod.", "model.", "module._orig_mod."])
def test_names_of_wrappers(prefix: str, tmp_path: Path) -> None:
    values = {prefix + name: value for name, value in tensors(variables()).items()}
    assert_weights(read(write_directory(tmp_path / "model", values), _OPTIONS), variables())


def test_a_stale_vocab_size(tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model", vocab_size=CONFIG.vocab_size - 2)
    with pytest.raises(UserError, match=r"config.json: vocab_size is .* correct vocab_size"):
        read(directory, _OPTIONS)


def test_a_byte_order_mark(tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model", tokens=["\ufeff" + TOKENS[0], *TOKENS[1:]])
    with pytest.raises(UserError, match="byte order mark"):
        read(directory, _OPTIONS)
    config = directory / "config.json"
    config.write_text("\ufeff" + config.read_text())
    (directory / "vocab.txt").write_text("\n".join(TOKENS))
    assert_weights(read(directory, _OPTIONS), variables())


def test_sentence_piece(tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model")
    (directory / "vocab.txt").unlink()
    (directory / "sentencepiece.bpe.model").write_bytes(b"\n")
    with pytest.raises(UserError, match="tokenizer of SentencePiece"):
        read(directory, _OPTIONS)


def test_a_pointer_of_git_lfs(tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model")
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 366\n"
    (directory / "tokenizer_config.json").write_text(pointer)
    with pytest.raises(UserError, match=r"tokenizer_config.json is a pointer of Git LFS"):
        read(directory, _OPTIONS)


def test_regression_of_several_numbers(tmp_path: Path) -> None:
    directory = write_directory(tmp_path / "model", problem_type="regression")
    with pytest.raises(UserError, match="regression needs one output, and the model has 3"):
        read(directory, _OPTIONS)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"adapter_config.json": "{}", "adapter_model.safetensors": ""}, "merge it into its base"),
        ({"config.json": "{}", "model.onnx": ""}, "made from"),
        ({"config.json": "{}", "onnx/model.onnx": ""}, "made from"),
        ({"snapshots/abc/config.json": "{}"}, "such as .*snapshots/abc"),
    ],
)
def test_no_checkpoint_but_known(files: dict[str, str], told: str, tmp_path: Path) -> None:
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    with pytest.raises(UserError, match=told):
        read(tmp_path, _OPTIONS)


@pytest.mark.parametrize("name", ["bert-base-uncased", "org/name"])
def test_a_name_on_the_hub(name: str) -> None:
    with pytest.raises(UserError, match=f"hf download {name}"):
        read(Path(name), _OPTIONS)


def test_what_the_added_rows_are_for(tmp_path: Path) -> None:
    """A table of more rows than tokens is no fault where vocab_size says so."""
    values = tensors(variables())
    name = "bert.embeddings.word_embeddings.weight"
    values[name] = np.concatenate([values[name], values[name][:2]])
    directory = write_directory(tmp_path / "model", vocab_size=CONFIG.vocab_size + 2)
    save_file(values, directory / "model.safetensors")
    assert read(directory, _OPTIONS).config.vocab_size == CONFIG.vocab_size + 2
    assert json.loads((directory / "config.json").read_text())["hidden_size"]
