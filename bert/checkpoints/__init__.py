"""Checkpoints of every kind, opened as one `FineTunedModel`."""

from bert.checkpoints.registry import ReadOptions, read

__all__ = ["ReadOptions", "read"]
