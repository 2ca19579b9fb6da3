"""The options that training has for every task, under the names of google-research/bert's flags."""

import dataclasses
from pathlib import Path
from typing import Any

from bert.command.options import declared, option

# The largest number that TensorFlow counts with here, an int32.
MOST = 2**31 - 1

# The headings of `--help`.
DATA = "What is read and written"
TEXT = "What the model is, where its files leave that open"
TRAINING = "How it is trained"
_EXPORT = "The export"
_TPU = "Accepted for old command lines"


def count(default: int, help: str, least: int = 1) -> Any:
    """An option of training that is a number of things."""
    return option(default, help, group=TRAINING, least=least, most=MOST)


def _without_effect(default: Any) -> Any:
    return option(default, "without a TPU it has no effect", group=_TPU)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """One run: train, predict, export."""

    output_dir: Path = dataclasses.field(
        metadata=declared("directory to write checkpoints and results to", group=DATA)
    )
    init_checkpoint: Path | None = option(
        None,
        "checkpoint to start from, usually of a pre-trained model",
        group=DATA,
        unset="random weights",
    )
    do_train: bool = option(False, "whether to train", group=DATA)
    bert_config_file: Path | None = option(
        None,
        "JSON file with the architecture of the pre-trained model",
        group=TEXT,
        unset="bert_config.json next to the checkpoint",
    )
    vocab_file: Path | None = option(
        None,
        "vocabulary of the pre-trained model",
        group=TEXT,
        unset="vocab.txt next to the checkpoint",
    )
    do_lower_case: bool | None = option(
        None,
        "whether to lower-case the text: true for uncased models, false for cased ones",
        group=TEXT,
        unset="tokenizer_config.json next to the checkpoint, else inferred from the vocabulary",
    )
    max_seq_length: int = option(
        128,
        "most tokens of an input after WordPiece tokenization, [CLS] and [SEP] included; longer "
        "ones are truncated",
        group=TEXT,
        least=1,
        most=MOST,
    )
    train_batch_size: int = count(32, "examples a training step")
    predict_batch_size: int = count(8, "examples a batch of prediction")
    learning_rate: float = option(5e-5, "highest learning rate of Adam", group=TRAINING, least=0.0)
    num_train_epochs: float = option(
        3.0, "times to go through the training data", group=TRAINING, least=0.0
    )
    warmup_proportion: float = option(
        0.1,
        "share of the training during which the learning rate rises to its highest",
        group=TRAINING,
        least=0.0,
        most=1.0,
    )
    save_checkpoints_steps: int = count(1000, "steps between two checkpoints")
    gradient_accumulation_steps: int = count(
        1, "passes that the examples of a step are split into: the same step with less memory"
    )
    precision: str = option(
        "float32",
        "factors of the dense layers' products; bfloat16 is faster on processors that have it",
        group=TRAINING,
        choices=("float32", "bfloat16"),
    )
    seed: int = count(12345, "seed of shuffling, dropout and random initial weights", least=0)
    do_export: bool = option(
        False, "whether to export a SavedModel that takes plain text", group=_EXPORT
    )
    export_dir: Path | None = option(
        None, "base path of the served model; --do_export makes a version in it", group=_EXPORT
    )
    use_tpu: bool = option(False, "TPUs are not supported: must be false", group=_TPU)
    tpu_name: str | None = _without_effect(None)
    tpu_zone: str | None = _without_effect(None)
    gcp_project: str | None = _without_effect(None)
    master: str | None = _without_effect(None)
    tpu_job_name: str | None = _without_effect(None)
    num_tpu_cores: int = _without_effect(8)
    iterations_per_loop: int = _without_effect(1000)
