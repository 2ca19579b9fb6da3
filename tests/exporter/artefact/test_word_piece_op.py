"""Which WordPiece op an export has, by the oldest server that must run it."""

import pytest

from exporter.artefact.saving import fastest_word_piece_op
from exporter.serving.op_tables import OpTables
from exporter.serving.release import parse_release
from exporter.text.engine.wordpiece import CLASSIC_OP, FAST_OP


@pytest.mark.parametrize(
    ("target", "op"),
    [
        ("2.5.1", CLASSIC_OP),
        ("2.7.4", CLASSIC_OP),
        ("2.8.0", CLASSIC_OP),
        ("2.9.3", CLASSIC_OP),
        ("2.10.0", FAST_OP),
        ("2.12.0", FAST_OP),
        ("2.20.0", FAST_OP),
    ],
)
def test_fastest_op(target: str, op: str) -> None:
    assert fastest_word_piece_op(parse_release(target), OpTables()) == op
