"""Many rows: an export's signature over files, or in a pipeline, on Apache Beam."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.batch.score_text import ScoreText

__all__ = ["ScoreText"]


def __getattr__(name: str) -> object:
    # Beam takes seconds to import; the command reports mistakes in its flags before that.
    if name != "ScoreText":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from exporter.batch.score_text import ScoreText

    return ScoreText
