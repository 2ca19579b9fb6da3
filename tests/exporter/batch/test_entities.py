"""Entities of a tagger as rows of Parquet: lists as long as the row has entities."""

from pathlib import Path

import numpy as np
import pandas
import pyarrow
import pyarrow.parquet
import pytest

from exporter import export
from exporter.runtime.servable import Servable
from tests.bert.checkpoints.huggingface.directory import tensors, variables, write_directory
from tests.exporter.batch.command import TEXTS, flags, run_here

_LABELS = {"0": "O", "1": "B-PER", "2": "I-PER", "3": "B-LOC", "4": "I-LOC"}


def test_parquet_of_entities(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    values = {name: value for name, value in tensors(variables(5)).items() if "pooler" not in name}
    checkpoint = write_directory(
        tmp_path / "model", values, "BertForTokenClassification", id2label=_LABELS
    )
    version = export(
        checkpoint, tmp_path / "served", warmup=False, verify=False
    ).version_directory  # fmt: skip
    rows = tmp_path / "in"
    rows.mkdir()
    pyarrow.parquet.write_table(pyarrow.table({"text": TEXTS}), rows / "rows.parquet")
    output = tmp_path / "out"
    outcome = run_here(capfd, *flags(version, rows, output, "--signature=entities"))
    assert outcome.code == 0, outcome.errors
    (part,) = output.glob("part-*.parquet")
    table, frame = pyarrow.parquet.read_table(part), pandas.read_parquet(part)
    types = {"entities": pyarrow.string(), "scores": pyarrow.float32(), "starts": pyarrow.int32()}
    for name, kind in types.items():
        assert table.schema.field(name).type == pyarrow.list_(kind)
    assert sum(frame["count"]) > 10
    servable = Servable(version)
    for text, (_, row) in zip(TEXTS, frame.iterrows(), strict=True):
        answer = servable.predict("entities", {"text": np.array([text.encode()], dtype=object)})
        assert row["count"] == answer["count"][0]
        assert len(row["labels"]) == row["count"]
        for entity, start, end in zip(row["entities"], row["starts"], row["ends"], strict=True):
            assert text[start:end] == entity
        for name in ("entities", "labels"):
            assert [value.encode() for value in row[name]] == answer[name][0].tolist()
        np.testing.assert_allclose(row["scores"], answer["scores"][0], atol=5e-6)
    servable.close()
