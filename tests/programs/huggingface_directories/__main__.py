"""Reads many drawn directories of transformers' form, and compares each with the library.

    python -m tests.programs.huggingface_directories [--count 2000] [--seed 0]

Prints how many are read alike, refused (by sentence) and different, for both major versions of
the library, and exits with 1 if a directory is read otherwise than the newer one reads it.
"""

import argparse
import collections
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bert.tokenizers.huggingface.characters import HuggingFaceCharacters
from tests.oracles.transformers_environment import TransformersEnvironment
from tests.programs.huggingface_directories.comparison import (
    DIFFERENT,
    REFUSED,
    UNREAD,
    Verdict,
    compare,
)
from tests.programs.huggingface_directories.directories import TEXTS, Drawn

_LIBRARY = Path(__file__).parent / "library.py"


def verdicts(
    folder: Path, seeds: Sequence[int], pythons: Sequence[Path | str]
) -> Iterator[list[Verdict]]:
    """Of each Python's library, what came of each directory; `folder` gets the directories."""
    drawn, texts_file = folder / "drawn", folder / "texts.json"
    for seed in seeds:
        Drawn(seed).write(drawn / f"{seed:06}")
    texts_file.write_text(json.dumps(TEXTS))
    characters = HuggingFaceCharacters.load()
    for index, python in enumerate(pythons):
        output = folder / f"said-{index}.json"
        subprocess.run([python, _LIBRARY, drawn, texts_file, output], check=True)
        said = json.loads(output.read_text())
        yield [
            compare(directory, said[directory.name], TEXTS, characters)
            for directory in sorted(drawn.iterdir())
        ]


def main() -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    seeds = range(arguments.seed, arguments.seed + arguments.count)
    # Where the two differ, the newer one counts.
    environments = {"5": TransformersEnvironment(), "4": TransformersEnvironment("transformers4")}
    with tempfile.TemporaryDirectory() as folder:
        found = verdicts(Path(folder), seeds, [e.python for e in environments.values()])
        differs = [
            _print(f"transformers {version}", seeds, of_version)
            for version, of_version in zip(environments, found, strict=True)
        ]
    return differs[0]


def _print(library: str, seeds: Sequence[int], found: Sequence[Verdict]) -> bool:
    """Whether a directory is read otherwise."""
    counts = collections.Counter(verdict.outcome for verdict in found)
    print(f"{library}:", ", ".join(f"{n} {what}" for what, n in counts.most_common()))
    for outcome in (REFUSED, UNREAD):
        print(f"{outcome}:")
        reasons = collections.Counter(v.reason for v in found if v.outcome == outcome)
        for reason, count in reasons.most_common():
            print(f"{count:6} {reason}")
    for seed, verdict in zip(seeds, found, strict=True):
        if verdict.outcome == DIFFERENT:
            print(f"seed {seed}: {verdict.reason}", flush=True)
    return counts[DIFFERENT] > 0


if __name__ == "__main__":
    sys.exit(main())
