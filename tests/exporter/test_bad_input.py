"""Every mistake ends with exit code 1, one sentence, and nothing new under --export_dir."""

from pathlib import Path

import numpy as np
import pytest

from tests.exporter.command import assert_refused, run, run_here
from tests.exporter.mistakes import (
    Mistake,
    cut,
    cut_last_byte,
    data_file,
    drop,
    files,
    flags,
    flip_bytes,
    in_config,
    in_weights,
    index_file,
    names_another,
    put,
    several,
    spoilt,
    vocabulary,
    with_content,
    with_directory,
    without,
    without_piece,
)
from tests.tiny_model import TinyModel

_QUERY = "bert/encoder/layer_1/attention/self/query/kernel"
_TABLE = "bert/embeddings/word_embeddings"

_MISTAKES: dict[str, Mistake] = {
    # --checkpoint
    "no such checkpoint": flags("--checkpoint=/no/such/model.ckpt-1", told=("does not exist",)),
    "no checkpoint named": flags("--checkpoint="),
    "several checkpoints": files(several, "--checkpoint", "model.ckpt-7", "model.ckpt-9"),
    "an absent checkpoint named": files(names_another, "checkpoint names model.ckpt-999"),
    "a checkpoint file that is none": with_content("checkpoint", b"\0\xff garbage {", "prefix"),
    "an empty checkpoint file": with_content("checkpoint", b"", "prefix"),
    "data cut off": files(cut(data_file, 0.5), "--checkpoint", "truncated"),
    "data without its last byte": files(cut_last_byte, "--checkpoint", "output_weights"),
    "no data": files(cut(data_file, 0), "--checkpoint", "truncated"),
    "data damaged": files(flip_bytes, "--checkpoint", "damaged"),
    "data absent": files(lambda model: data_file(model).unlink(), "--checkpoint", ".data"),
    "index cut off": files(cut(index_file, 0.5), "--checkpoint", ".index"),
    "an empty index": files(cut(index_file, 0), "--checkpoint", ".index"),
    "no classifier": in_weights(drop("output_weights"), "--checkpoint", "output_weights"),
    "a missing variable": in_weights(drop(_QUERY), "--checkpoint", _QUERY),
    "a missing bias": in_weights(drop("output_bias"), "--checkpoint", "output_bias"),
    "a mis-shaped variable": in_weights(put(_QUERY, np.ones([16, 8], "f")), _QUERY, "[16, 8]"),
    "a scalar": in_weights(put(_QUERY, np.float32(1)), "--checkpoint", _QUERY, "[16, 16]"),
    "a scalar classifier": in_weights(
        put("output_weights", np.float32(1)), "--checkpoint", "output_weights"
    ),
    "a classifier of no class": in_weights(
        lambda weights: weights.update(
            output_weights=np.zeros([0, 16], "f"), output_bias=np.zeros([0], "f")
        ),
        "--checkpoint",
        "output_weights",
    ),
    "an integer variable": in_weights(put(_QUERY, np.ones([16, 16], "i")), _QUERY, "int32"),
    "NaN": in_weights(spoilt(_TABLE, np.nan), "--checkpoint", _TABLE, "NaN"),
    "infinity": in_weights(spoilt("output_bias", np.inf), "--checkpoint", "output_bias"),
    # --bert_config_file
    "no config": without("bert_config.json", "--bert_config_file"),
    "config elsewhere": flags("--bert_config_file=/no/such.json", told=("/no/such.json",)),
    "config not JSON": with_content("bert_config.json", b"{hidden_size: 16}", "not JSON"),
    "config empty": with_content("bert_config.json", b"", "not JSON"),
    "config not UTF-8": with_content("bert_config.json", b'{"hidden_act": "\xff"}'),
    "config a list": with_content("bert_config.json", b"[]", "list"),
    "config a directory": with_directory("bert_config.json"),
    **{
        f"config without {field}": in_config("bert_config.json", field, **{field: None})
        for field in (
            "vocab_size",
            "hidden_size",
            "num_hidden_layers",
            "num_attention_heads",
            "intermediate_size",
            "max_position_embeddings",
            "type_vocab_size",
        )
    },
    "config with a negative size": in_config("bert_config.json", "hidden_size", hidden_size=-16),
    "config with a word": in_config("bert_config.json", "hidden_size", hidden_size="wide"),
    "config with odd heads": in_config(
        "bert_config.json", "attention_heads", num_attention_heads=3
    ),
    "config with another activation": in_config("bert_config.json", "swish", hidden_act="swish"),
    "config with a list for a word": in_config("bert_config.json", "hidden_act", hidden_act=["a"]),
    "config of a wider model": in_config("--bert_config_file", "[124, 32]", hidden_size=32),
    "config of a deeper model": in_config("layer_2", "bert_config", num_hidden_layers=3),
    "config of more positions": in_config("position_embed", "512", max_position_embeddings=512),
    # --vocab_file
    "no vocabulary": without("vocab.txt", "--vocab_file"),
    "vocabulary elsewhere": flags("--vocab_file=/no/such.txt", told=("/no/such.txt",)),
    "vocabulary a directory": with_directory("vocab.txt", "--vocab_file"),
    "vocabulary empty": with_content("vocab.txt", b"", "--vocab_file"),
    "vocabulary not UTF-8": with_content(
        "vocab.txt", b"[PAD]\n\xff\xfe\n", "--vocab_file", "UTF-8"
    ),
    "vocabulary with more lines than rows": files(
        vocabulary(lambda tokens: [*tokens, "more"]), "--vocab_file", "125", "124"
    ),
    "no [CLS]": without_piece("[CLS]"),
    "no [SEP]": without_piece("[SEP]"),
    "no [UNK]": without_piece("[UNK]"),
    # --do_lower_case
    "casing against the file": flags(
        "--do_lower_case=false", told=("--do_lower_case is False", "tokenizer_config.json")
    ),
    "casing file not JSON": with_content("tokenizer_config.json", b"do_lower_case: true"),
    "casing a word": with_content("tokenizer_config.json", b'{"do_lower_case": "yes"}', "yes"),
    # --max_seq_length
    "length 2": flags("--max_seq_length=2", told=("3", "64")),
    "length 0": flags("--max_seq_length=0"),
    "length -1": flags("--max_seq_length=-1"),
    "length above the table": flags("--max_seq_length=65", told=("65", "64")),
    "length of a file above the table": with_content(
        "sentence_bert_config.json", b'{"max_seq_length": 512}', "--max_seq_length", "512"
    ),
    # --labels, --label_file, --top_k
    "too few labels": flags("--labels=a,b", told=("2", "3")),
    "too many labels": flags("--labels=a,b,c,d", told=("4", "3")),
    "no label": flags("--labels=", told=("3",)),
    "equal labels": flags("--labels=a,b,a", told=("'a'",)),
    "no label file": flags("--label_file=/no/such.txt", told=("/no/such.txt",)),
    "label file a directory": flags("--label_file=/", told=("--label_file /",)),
    "both kinds of labels": flags("--labels=a,b,c", "--label_file=x", told=("--label_file",)),
    "top_k 0": flags("--top_k=0", told=("3",)),
    "top_k 4": flags("--top_k=4", told=("4", "3")),
    "top_k -1": flags("--top_k=-1"),
    # the export
    "no directory named": flags("--export_dir="),
    "a negative version": flags("--version=-1"),
    "a version that no server reads": flags("--version=9223372036854775808"),
    "another signature": flags("--default_signature=labels", told=("features_with_label_ids",)),
    "no signature": flags("--default_signature="),
    "no such signature": flags("--signatures=text,tags", told=("'tags'", "labels", "tokenize")),
    "signatures without the default": flags(
        "--signatures=labels,tokenize", told=("labels,tokenize", "--default_signature")
    ),
    "no signature at all": flags("--signatures=", told=("--default_signature",)),
    "no release": flags("--target_serving=newest", told=("newest",)),
    "an empty release": flags("--target_serving="),
    "an old release": flags("--target_serving=2.3.0", told=("2.3.0", "2.20.0")),
    "a future release": flags("--target_serving=2.99.0", told=("2.99.0", "2.20.0")),
    "no such lines": flags("--verify_file=/no/such.txt", told=("/no/such.txt",)),
    "lines a directory": flags("--verify_file=/"),
    "no such sentences": flags("--warmup_file=/no/such.txt", told=("/no/such.txt",)),
    "sentences a directory": flags("--warmup_file=/"),
    "sentences and no warm-up": flags("--nowarmup", "--warmup_file=x", told=("--nowarmup",)),
    "a stray word": flags("stray"),
    "another precision": flags("--precision=float16", told=("float16", "bfloat16", "int8")),
    "int8 for servers before its ops": flags(
        "--target_serving=2.5.1", "--precision=int8", told=("2.5.1", "--target_serving=2.8.0")
    ),
    "calibration of what needs none": flags(
        "--calibration_file=x", told=("--precision is float32", "int8")
    ),
    "no such calibration": flags(
        "--calibration_file=/no/such.txt",
        "--precision=int8",
        told=("--calibration_file /no/such.txt",),
    ),
    "no tokenizer": flags("--tokenizer=unheard_of"),
    "another task": flags("--task=regression"),
    "no task": flags("--task=unheard_of"),
}


@pytest.fixture
def export_dir(tmp_path: Path) -> Path:
    return tmp_path / "models" / "tiny"


@pytest.mark.parametrize("name", list(_MISTAKES))
def test_mistakes(
    name: str, checkpoint_copy: TinyModel, export_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mistake = _MISTAKES[name]
    mistake.spoil(checkpoint_copy)
    given = [f"--checkpoint={checkpoint_copy.directory}", f"--export_dir={export_dir}"]
    arguments = {flag.split("=")[0]: flag for flag in (*given, *mistake.flags)}.values()
    outcome = run_here(capfd, *arguments)
    assert_refused(outcome, *mistake.told)
    assert not export_dir.parent.exists()


def test_an_empty_directory(
    export_dir: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    outcome = run_here(capfd, f"--checkpoint={tmp_path / 'empty'}", f"--export_dir={export_dir}")
    assert_refused(outcome, "--checkpoint", str(tmp_path / "empty"))
    assert not export_dir.parent.exists()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a\nb\n", "2 labels"),
        (b"a\nb\na\n", "'a' twice"),
        (b"", "0 labels"),
        (b"\xff\nb\nc\n", "--label_file"),
    ],
)
def test_label_files(
    content: bytes,
    told: str,
    tiny_model: TinyModel,
    export_dir: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "labels.txt"
    file.write_bytes(content)
    outcome = run_here(
        capfd,
        f"--checkpoint={tiny_model.prefix}",
        f"--export_dir={export_dir}",
        f"--label_file={file}",
    )
    assert_refused(outcome, "--label_file", told)
    assert not export_dir.parent.exists()


def test_the_version_exists(
    tiny_model: TinyModel, export_dir: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (export_dir / "3").mkdir(parents=True)
    (export_dir / "3" / "saved_model.pb").write_text("old")
    outcome = run_here(
        capfd, f"--checkpoint={tiny_model.prefix}", f"--export_dir={export_dir}", "--version=3"
    )
    assert_refused(outcome, "--version", "3", str(export_dir))
    assert [path.name for path in export_dir.rglob("*")] == ["3", "saved_model.pb"]
    assert (export_dir / "3" / "saved_model.pb").read_text() == "old"


@pytest.mark.parametrize("name", ["a checkpoint that is not there", "config not JSON"])
def test_the_command_itself(name: str, checkpoint_copy: TinyModel, export_dir: Path) -> None:
    """TensorFlow's own words on standard error stay away in a process of its own, too."""
    told = "bert_config.json"
    checkpoint = checkpoint_copy.prefix
    (checkpoint_copy.directory / "bert_config.json").write_text("{")
    if name != "config not JSON":
        checkpoint, told = checkpoint_copy.directory / "absent", "absent"
    outcome = run(f"--checkpoint={checkpoint}", f"--export_dir={export_dir}")
    assert_refused(outcome, told)
    assert not export_dir.parent.exists()
