"""The command's own flags; all others are Apache Beam's."""

import argparse
import dataclasses
from collections.abc import Sequence
from typing import NoReturn

from bert.errors import UserError

_INPUT_FORMATS = ("text", "csv", "tsv", "jsonl", "parquet")
_OUTPUT_FORMATS = ("jsonl", "parquet")


@dataclasses.dataclass(frozen=True)
class BatchOptions:
    """What a run is asked for."""

    model: str
    input: tuple[str, ...]
    output: str
    signature: str
    text_columns: tuple[str, ...]
    id_column: str | None
    columns: tuple[str, ...]
    input_format: str | None
    output_format: str | None
    output_prefix: str
    max_row_bytes: int
    rows_per_part: int
    threads_per_worker: int
    overwrite: bool


def parse(arguments: Sequence[str]) -> tuple[BatchOptions, list[str]]:
    """Our flags and those that are left for Beam.

    Raises:
      UserError: a flag of ours is missing or has a wrong value.
    """
    parser = _Parser(prog="python -m exporter.batch", allow_abbrev=False, description=__doc__)
    add = parser.add_argument
    add("--model", help="Version directory or base path (the newest version), local or a URL.")
    add("--input", nargs="+", default=[], metavar="FILES", help="Files or globs.")
    add("--output", help="A directory that is made with the parts and summary.json.")
    add("--signature", default="", help="One that takes text. Default: serving_default.")
    add("--text_column", default="", help="Column with the text; two with a comma, for pairs.")
    add("--id_column", help="Column that tells rows apart. Default: id, else FILE:LINE.")
    add("--columns", default="", help="Names for a CSV or TSV whose first line is no header.")
    add("--input_format", choices=_INPUT_FORMATS, help="Default: by the files' names.")
    add(
        "--output_format", choices=_OUTPUT_FORMATS, help="Default: Parquet for Parquet, else jsonl."
    )
    add("--output_prefix", default="", help="Before the names of the signature's outputs.")
    add("--max_row_bytes", type=int, default=1 << 20, help="A longer row is a failure.")
    add(
        "--rows_per_part",
        type=int,
        default=8192,
        help="Rows of a part: what a worker does at once.",
    )
    add("--threads_per_worker", type=int, default=0, help="0: this machine's cores, shared.")
    add("--overwrite", action="store_true", help="Replace the output of an earlier run.")
    values, rest = parser.parse_known_args(arguments)
    for name in ("model", "input", "output"):
        if not getattr(values, name):
            raise UserError(f"--{name} is missing: give it, as --{name}=PATH.")
    for name in ("max_row_bytes", "rows_per_part"):
        if getattr(values, name) < 1:
            raise UserError(f"--{name} is {getattr(values, name)}, where at least 1 is expected.")
    return (
        BatchOptions(
            model=values.model,
            input=tuple(values.input),
            output=values.output.rstrip("/") or "/",
            signature=values.signature,
            text_columns=_names(values.text_column),
            id_column=values.id_column,
            columns=_names(values.columns),
            input_format=values.input_format,
            output_format=values.output_format,
            output_prefix=values.output_prefix,
            max_row_bytes=values.max_row_bytes,
            rows_per_part=values.rows_per_part,
            threads_per_worker=values.threads_per_worker,
            overwrite=values.overwrite,
        ),
        rest,
    )


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[:1].upper()}{message[1:]}: see python -m exporter.batch --help.")


def _names(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",")) if value else ()
