"""ReadOptions: what a user may say about a checkpoint beside its path."""

import dataclasses
from pathlib import Path


@dataclasses.dataclass(frozen=True)
class ReadOptions:
    """The flags that steer the reading of a checkpoint; None leaves it to the files."""

    bert_config_file: Path | None = None
    vocab_file: Path | None = None
    do_lower_case: bool | None = None
    tokenizer: str | None = None
    max_seq_length: int | None = None
    task: str | None = None
    labels: tuple[str, ...] | None = None
