"""A job: which model, files and formats the flags come to."""

import dataclasses
from collections.abc import Sequence

from apache_beam.io.filesystems import FileSystems

from bert.errors import UserError
from exporter.batch.model import Model
from exporter.batch.options import BatchOptions
from exporter.batch.reading.blocks import Reading, Row
from exporter.batch.reading.files import format_of
from exporter.batch.reading.splitting import first_rows
from exporter.batch.writing.parquet import schema_of
from exporter.batch.writing.parts import Writing

# Rows that decide the types of a Parquet file's columns.
_SAMPLE = 1000


@dataclasses.dataclass(frozen=True)
class Job:
    """What a run does."""

    model: Model
    files: tuple[str, ...]
    reading: Reading
    writing: Writing
    threads: int
    started: float


def matching_files(patterns: Sequence[str]) -> tuple[str, ...]:
    """Files on any file system, each once and sorted.

    Raises:
      UserError: a pattern matches none.
    """
    found: set[str] = set()
    for pattern in patterns:
        try:
            matches = FileSystems.match([pattern])[0].metadata_list
        except (OSError, ValueError) as error:
            raise UserError(f"--input {pattern} cannot be read ({error}).") from error
        if not matches:
            raise UserError(f"--input {pattern} matches no file: check the path.")
        found.update(metadata.path for metadata in matches)
    return tuple(sorted(found))


def make_job(
    options: BatchOptions,
    model: Model,
    files: tuple[str, ...],
    directory: str,
    started: float,
    threads: int,
) -> Job:
    """What the flags ask of a model and files, with the formats and types that the files show.

    Raises:
      UserError: formats are mixed, or no row at the start can be scored.
    """
    formats = {options.input_format or format_of(file) for file in files}
    if len(formats) > 1:
        raise UserError(
            f"--input has files of several formats ({', '.join(sorted(formats))}): give files of "
            "one format, or --input_format."
        )
    (input_format,) = formats
    columns = model.text_columns(tuple(options.text_column))
    if input_format == "text" and len(columns) > 1:
        raise UserError(
            f"A line of text is one text, and the signature {model.signature} takes "
            f"{', '.join(columns)}: give CSV, TSV, JSON Lines or Parquet, or --input_format."
        )
    reading = Reading(
        format=input_format,
        text_columns=columns,
        id_column=options.id_column,
        columns=tuple(options.columns),
        reserved=frozenset(options.output_prefix + output.name for output in model.outputs),
        max_row_bytes=options.max_row_bytes,
        rows_per_block=options.rows_per_part,
    )
    rows = _sample(files, reading)
    output_format = options.output_format or ("parquet" if input_format == "parquet" else "jsonl")
    return Job(
        model=model,
        files=files,
        reading=reading,
        writing=Writing(
            directory=directory,
            format=output_format,
            schema=schema_of(rows) if output_format == "parquet" else None,
            prefix=options.output_prefix,
        ),
        threads=threads,
        started=started,
    )


def _sample(files: Sequence[str], reading: Reading) -> "list[Row]":
    """The first rows of a file that has good ones; of the first ten, in case some are damaged."""
    errors = []
    for file in files[:10]:
        try:
            rows = first_rows(file, reading, _SAMPLE)
        except UserError as error:
            errors.append(error)
            continue
        if len(rows):
            return rows
    if errors:
        raise errors[0]
    return []
