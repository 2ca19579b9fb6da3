"""Checkpoints of every kind, opened as one `FineTunedModel`."""

from typing import TYPE_CHECKING, Any

from bert.checkpoints.options import ReadOptions

if TYPE_CHECKING:
    from bert.checkpoints.registry import read
else:

    def __getattr__(name: str) -> Any:
        """`read`, imported when it is asked for: the readers bring TensorFlow, options do not."""
        if name != "read":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from bert.checkpoints.registry import read

        return read


__all__ = ["ReadOptions", "read"]
