"""The command's own flags; all others are Apache Beam's."""

import dataclasses
from collections.abc import Sequence

from bert.command.options import StrPath, declared, option

_ROWS = "Rows"
_JOB = "Job"


@dataclasses.dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """The flags of the command."""

    model: StrPath = dataclasses.field(
        metadata=declared(
            "version directory, or base path (its newest version), local or a URL", group=_JOB
        )
    )
    input: Sequence[str] = dataclasses.field(
        metadata=declared("files or patterns, on any file system that Beam reads", group=_JOB)
    )
    output: StrPath = dataclasses.field(
        metadata=declared("directory that is made, with the parts and summary.json", group=_JOB)
    )
    signature: str = option("", "signature that takes text", group=_JOB, unset="serving_default")
    overwrite: bool = option(
        False, "whether to replace the output of an earlier run, whole", group=_JOB
    )
    rows_per_part: int = option(
        8192, "rows of a part, which a worker does at once", group=_JOB, least=1
    )
    threads_per_worker: int = option(
        0, "threads of a worker process; 0 shares this machine's cores", group=_JOB, least=0
    )
    text_column: Sequence[str] = option(
        (), "columns with the texts, as many as inputs", group=_ROWS, unset="the inputs' names"
    )
    id_column: str | None = option(
        None,
        "column with the id of a row",
        group=_ROWS,
        unset="id, made of file and line where a row has none",
    )
    columns: Sequence[str] = option(
        (), "names of the columns of CSV or TSV", group=_ROWS, unset="the first line"
    )
    input_format: str | None = option(
        None,
        "format of the input",
        group=_ROWS,
        choices=("text", "csv", "tsv", "jsonl", "parquet"),
        unset="by the files' names",
    )
    output_format: str | None = option(
        None,
        "format of the parts",
        group=_ROWS,
        choices=("jsonl", "parquet"),
        unset="parquet for Parquet, else jsonl",
    )
    output_prefix: str = option(
        "", "beginning of the outputs' names among the columns", group=_ROWS, unset="none"
    )
    max_row_bytes: int = option(
        1 << 20, "bytes of a row's text; a longer one is a failure", group=_ROWS, least=1
    )
