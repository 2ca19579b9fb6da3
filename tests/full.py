"""What the default suite samples, and `pytest --full` runs whole."""

from collections.abc import Collection, Iterable

import pytest
from _pytest.mark import ParameterSet


def sampled(values: Iterable[object], sample: Collection[object]) -> list[ParameterSet]:
    """A parameter for each value; those outside of the sample are marked `full`."""
    return [
        pytest.param(
            *(value if isinstance(value, tuple) else [value]),
            marks=[] if value in sample else [pytest.mark.full],
        )
        for value in values
    ]
