"""Precisions as values: the number format of the weights, and everything that follows from it.

Other modules ask the value and compare no names. The way each matrix is kept and multiplied in a
precision stands in `layout_table.LAYOUTS`. To add a precision, add an entry there and here.
"""

import dataclasses
from collections.abc import Mapping

FLOAT32 = "float32"
BFLOAT16 = "bfloat16"
INT8 = "int8"
INT8_SUMS = "int8_sums"
"""what `--precision=int8` is for servers that lack the op of INT8"""

# The resource that holds the number of tokens from which products are made in float32: its name
# begins so, and a server sets it when it loads a model (float32_threshold.py).
FLOAT32_FROM = "float32_products_from"
ALWAYS = 0
NEVER = 2**31 - 1

# float32 against float64, over 12 layers.
_ROUNDING = 1e-5

Choice = Mapping[str, int]
"""one choice of a server that loads a model: the name of a resource -> its value"""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Precision:
    """The number format of weights."""

    name: str
    """as LAYOUTS and PRECISIONS have it"""

    flag: str = ""
    """as `--precision` has it, where that is not the name"""

    words: str
    """its line in the summary of an export"""

    tolerance: float
    """the most that answers may differ from the witness's; of values above 1, a share"""

    tolerated_labels: float = 1.0
    """the share of texts whose label may be another than the witness's, beyond one text"""

    op: str | None = None
    """what its products need, where not every release has it"""

    older: str | None = None
    """the name of the same weights with another op, for releases that lack this one"""

    is_calibrated: bool = False
    """whether its layouts ask for the range of the inputs of each layer"""

    keeps_packed: bool = False
    """whether its products may keep a packed copy of their weights, in a graph without a loop"""

    tries_bits: bool = False
    """whether a server that loads a model tries how many bits its processor multiplies exactly"""

    tries_float32: bool = False
    """whether a server that loads a model tries if products are faster in float32"""

    @property
    def flag_value(self) -> str:
        """As `--precision` has it."""
        return self.flag or self.name

    @property
    def choices(self) -> tuple[Choice, ...]:
        """Everything a server may choose; each choice must keep answers within the tolerance."""
        return ({FLOAT32_FROM: ALWAYS}, {FLOAT32_FROM: NEVER}) if self.tries_float32 else ({},)

    @property
    def is_exact(self) -> bool:
        """Whether weights are the checkpoint's, so that no answer changes its label."""
        return self.tolerance <= _ROUNDING


_INT8 = Precision(
    name=INT8,
    words="int8, made 7 bits where a server's processor does not multiply 8 exactly",
    # The largest change seen is 0.086 on 872 sentences of SST-2 with MiniLM.
    tolerance=2.5e-1,
    tolerated_labels=0.1,
    op="_QuantizedMatMul",
    older=INT8_SUMS,
    is_calibrated=True,
    keeps_packed=True,
    tries_bits=True,
)

PRECISIONS: Mapping[str, Precision] = {
    precision.name: precision
    for precision in (
        Precision(name=FLOAT32, words="float32", tolerance=_ROUNDING),
        Precision(
            name=BFLOAT16,
            words="bfloat16, made float32 where a server multiplies that faster",
            # Of 8 bits; the largest change seen is 0.0147 with MiniLM, 0.0007 with BERT-base.
            tolerance=5e-2,
            tries_float32=True,
        ),
        _INT8,
        dataclasses.replace(
            _INT8,
            name=INT8_SUMS,
            flag=INT8,
            words=f"{_INT8.words}, by products that releases before 2.17 have too",
            op="_MklQuantizedMatMulWithBias",
            older=None,
        ),
    )
}
