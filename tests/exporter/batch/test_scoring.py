"""Rows in calls of similar length; one that the model refuses does not take others with it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from exporter.batch import scoring
from exporter.batch.model import Model, Output
from exporter.runtime.status import invalid_argument


class Session:
    """Answers a text's length; refuses a batch with a text that says so."""

    def __init__(self) -> None:
        self.calls: list[list[bytes]] = []

    def predict(
        self, name: str, inputs: Mapping[str, np.ndarray], output_filter: Sequence[str] = ()
    ) -> dict[str, np.ndarray]:
        texts = inputs["text"].tolist()
        if b"refuse" in texts:
            raise invalid_argument("not\nthis")
        lengths = np.array([len(text) for text in texts])
        width = max(lengths, default=0)
        if name == "tokenize":
            return {"input_mask": (np.arange(width) < lengths[:, None]).astype(np.int32)}
        self.calls.append(texts)
        letters = [[bytes([byte]) for byte in text] for text in texts]
        padded = [row + [b""] * (width - len(row)) for row in letters]
        tokens = np.array(padded, dtype=object).reshape(len(texts), width)
        return {"length": lengths, "tokens": tokens}


_OUTPUTS = (Output("length", np.dtype(int), ()), Output("tokens", np.dtype(object), (None,)))


@pytest.mark.parametrize("counts_tokens", [True, False])
@pytest.mark.parametrize("refused", [[], [0], [3, 4, 41], list(range(60))])
def test_order_and_refusals(
    counts_tokens: bool, refused: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "TOKENS_PER_CALL", 100)
    monkeypatch.setattr(scoring, "_BYTES_PER_CALL", 100)
    generator = np.random.default_rng(1)
    texts = [(b"x" * int(size),) for size in generator.integers(0, 40, 60)]
    for row in refused:
        texts[row] = (b"refuse",)
    model = Model("", "text", ("text",), _OUTPUTS, counts_tokens)
    session: Any = Session()
    answers = scoring.score(session, model, texts)
    good = [row for row in range(60) if row not in refused]
    assert answers.rows == good
    assert sorted(answers.failures) == refused
    assert set(answers.failures.values()) <= {"the model refuses it: not this"}
    assert list(answers.outputs["length"]) == [len(texts[row][0]) for row in good]
    assert [len(row) for row in answers.outputs["tokens"]] == [len(texts[row][0]) for row in good]
    if not refused:
        assert answers.tokens == (sum(len(text) for (text,) in texts) if counts_tokens else 0)
        lengths = [len(text) for call in session.calls for text in call]
        assert lengths == sorted(lengths)
        assert all(sum(map(len, call)) <= 100 for call in session.calls)
        assert len(session.calls) <= sum(lengths) / 100 * 1.5 + 1


def test_no_rows() -> None:
    session: Any = Session()
    answers = scoring.score(session, Model("", "text", ("text",), _OUTPUTS, True), [])
    assert (answers.rows, answers.failures, session.calls) == ([], {}, [])
