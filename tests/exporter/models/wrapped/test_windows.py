"""Long texts of SavedModels, through the export, against the SavedModels themselves."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from exporter import export
from tests.conftest import load_signatures
from tests.exporter.artefact.long_texts import text_of
from tests.exporter.command import assert_refused, run_here
from tests.exporter.models.wrapped.wrapped import LENGTH, Wrapped

_SHARED = 9
_STEP = LENGTH - 2 - _SHARED
_COUNTS = (0, 3, LENGTH - 2, LENGTH - 1, 2 * LENGTH, 9 * LENGTH)
_TEXTS = [text_of(count) for count in _COUNTS]


def rows_of(wrapped: Wrapped, text: bytes, way: str) -> list[list[int]]:
    """What the SavedModel should see of a text."""
    cls, *pieces, sep = wrapped.ids(text, 10_000)
    room = LENGTH - 2
    if way == "head_tail":
        # 128 of 510 are 10 of 38.
        parts = [pieces if len(pieces) <= room else pieces[:10] + pieces[-28:]]
    else:
        more = range(_STEP, max(len(pieces) - _SHARED, 1), _STEP)
        parts = [pieces[start : start + room] for start in (0, *more)]
    return [[cls, *part, sep] for part in parts]


# Of a fixed length, and of any; output and task.
_KINDS = {
    "recipe": ("output", "probabilities"),
    "hub": ("pooled_output", "embedding"),
}


@pytest.mark.parametrize("kind", _KINDS)
@pytest.mark.parametrize("pooling", ["mean", "max", None])
def test_long_texts(
    kind: str,
    pooling: str | None,
    vocabulary: Path,
    request: pytest.FixtureRequest,
    tmp_path: Path,
) -> None:
    """Verified. None stands for the head and the tail."""
    wrapped: Wrapped = request.getfixturevalue(kind)
    output, name = _KINDS[kind]
    way = "windows" if pooling else "head_tail"
    settings: dict[str, Any] = {"long_text": way, "vocab_file": vocabulary}
    if pooling:
        settings |= {"doc_stride": _SHARED, "window_pooling": pooling}
    report = export(
        wrapped.directory,
        tmp_path / "served",
        tokenizer="google_research",
        max_seq_length=LENGTH,
        warmup=False,
        **settings,
    )
    assert report.verification is not None
    expected = [
        getattr(np, pooling or "mean")(wrapped.answers(rows_of(wrapped, text, way), output), axis=0)
        for text in _TEXTS
    ]
    signatures = load_signatures(report.version_directory)
    found = signatures["text"](text=tf.constant(_TEXTS))[name]
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
    told = signatures["tokenize"](text=tf.constant(_TEXTS))["truncated"].numpy()
    is_longer = [count > LENGTH - 2 for count in _COUNTS]
    assert told.tolist() == [way == "head_tail" and longer for longer in is_longer]


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--doc_stride=38"], ("--doc_stride is 38", "at most 37")),
        (["--text_pair"], ("--long_text is windows", "pairs")),
    ],
)
def test_flags_that_do_not_fit(
    flags: list[str],
    words: tuple[str, ...],
    recipe: Wrapped,
    vocabulary: Path,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """A window is as long as the SavedModel's inputs."""
    arguments = [f"--checkpoint={recipe.directory}", f"--export_dir={tmp_path / 'served'}"]
    arguments += [f"--vocab_file={vocabulary}", "--long_text=windows"]
    assert_refused(run_here(capfd, *arguments, *flags), *words)
