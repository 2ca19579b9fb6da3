"""Outputs of a fresh process, on their way through a file."""

from pathlib import Path

import numpy as np

from exporter.runtime.loaded import _storable
from exporter.runtime.reload import _rows


def test_batches_that_are_padded_differently_become_rows(tmp_path: Path) -> None:
    batches = {
        "0/entities/0": np.array([[b"Paris", b""], [b"Rome", "é".encode()]], object),
        "0/entities/1": np.array([[b"Oslo"]], object),
        "0/score/0": np.array([0.5, 0.25], np.float32),
        "0/score/1": np.array([1.0], np.float32),
    }
    file = tmp_path / "answer.npz"
    np.savez(file, **{key: _storable(values) for key, values in batches.items()})
    with np.load(file) as arrays:
        rows = _rows(arrays, 0, ["entities", "score"])
    assert [row["entities"].tolist() for row in rows] == [
        [b"Paris", b""],
        [b"Rome", "é".encode()],
        [b"Oslo"],
    ]
    assert [float(row["score"]) for row in rows] == [0.5, 0.25, 1.0]


def test_batches_stand_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    file = tmp_path / "answer.npz"
    np.savez(file, **{f"1/score/{number}": np.array([number]) for number in (10, 2, 0, 1)})
    with np.load(file) as arrays:
        assert [int(row["score"]) for row in _rows(arrays, 1, ["score"])] == [0, 1, 2, 10]
