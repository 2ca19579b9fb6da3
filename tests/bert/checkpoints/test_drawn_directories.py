"""A sample of the drawn directories, ids and labels against transformers without PyTorch.

All of them, with answers, and both major versions:
`python -m tests.programs.huggingface_directories`.
"""

import collections
import sys
from pathlib import Path

from tests.programs.huggingface_directories.__main__ import verdicts
from tests.programs.huggingface_directories.comparison import DIFFERENT, REFUSED, SAME

_COUNT = 200


def test_they_are_read_as_the_library_reads_them_or_refused(tmp_path: Path) -> None:
    (found,) = verdicts(tmp_path, range(_COUNT), [sys.executable])
    different = [
        f"seed {seed}: {verdict.reason}"
        for seed, verdict in enumerate(found)
        if verdict.outcome == DIFFERENT
    ]
    assert not different
    counts = collections.Counter(verdict.outcome for verdict in found)
    assert counts[SAME] >= _COUNT // 4
    assert counts[REFUSED] >= _COUNT // 10
