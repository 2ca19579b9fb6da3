"""The input's columns as tables of one schema."""

from collections.abc import Sequence

import pyarrow

from exporter.batch.reading.blocks import Block, Row


def schema_of(rows: "list[Row] | pyarrow.Table") -> pyarrow.Schema:
    """The columns of Parquet files for rows like these."""
    if isinstance(rows, pyarrow.Table):
        return rows.schema
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pyarrow.table({name: pyarrow.array([row.get(name) for row in rows]) for name in names})
    # A column that is empty so far may hold text later.
    return pyarrow.schema(
        (name, "string" if pyarrow.types.is_null(table[name].type) else table[name].type)
        for name in names
    )


def input_columns(
    block: Block, good: Sequence[int], schema: pyarrow.Schema | None
) -> tuple[pyarrow.Table, dict[int, str]]:
    """The input's columns of the rows in `good`; those that do not fit the schema, by place."""
    assert schema is not None
    rows = block.rows
    if isinstance(rows, pyarrow.Table):
        table = rows.take(pyarrow.array(good, pyarrow.int64())) if len(good) < len(rows) else rows
        try:
            return table.select(schema.names).cast(schema), {}
        except (pyarrow.ArrowInvalid, KeyError) as error:
            reason = f"its columns are not those of the first file: {' '.join(str(error).split())}"
            return schema.empty_table(), dict.fromkeys(range(len(good)), reason)
    chosen = [rows[index] for index in good]
    misfits = {}
    known = set(schema.names)
    if any(row.keys() - known for row in chosen) or not _fits(chosen, schema):
        for index, row in enumerate(chosen):
            unknown = sorted(row.keys() - known)
            if unknown:
                misfits[index] = f"no column of the Parquet files: '{unknown[0]}'"
            elif not _fits([row], schema):
                misfits[index] = "its columns are not of the types of the first rows"
    chosen = [row for index, row in enumerate(chosen) if index not in misfits]
    return pyarrow.Table.from_pylist(chosen, schema), misfits


def _fits(rows: list[Row], schema: pyarrow.Schema) -> bool:
    try:
        pyarrow.Table.from_pylist(rows, schema)
    except (pyarrow.ArrowInvalid, pyarrow.ArrowTypeError, OverflowError):
        return False
    return True
