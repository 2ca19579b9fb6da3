"""The parity table: our ids against those of the library, corpus by corpus.

    scripts/verify_tokenization [--full] [--target_serving 2.12.0] [--profile NAME]

Prints inputs and differences for every profile, casing, vocabulary and corpus, and exits
with 1 if there is any difference.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.oracles.huggingface_tokenizer import huggingface_tokenizer
from tests.oracles.original_tokenizer import original_tokenizer
from tests.tokenization_parity.artefact import TokenizerArtefact, build_in_fresh_process
from tests.tokenization_parity.corpora import corpora
from tests.tokenization_parity.vocabularies import write_every_character

_Reference = Callable[[Sequence[bytes]], list[list[int]]]


def _original_tokenizer(vocabulary_file: Path, do_lower_case: bool) -> _Reference:
    ids = original_tokenizer(vocabulary_file, do_lower_case)
    return lambda texts: [ids(text) for text in texts]


# profile -> the library's tokenizer: vocabulary file, do_lower_case -> ids of texts
_REFERENCES: dict[str, Callable[[Path, bool], _Reference]] = {
    "google_research": _original_tokenizer,
    "huggingface": huggingface_tokenizer,
}
_SHOWN_DIFFERENCES = 3


def main() -> int:
    """Prints the table; the exit code."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        vocabularies = {"synthetic": write_every_character(Path(scratch, "synthetic.txt"))}
        if arguments.vocabulary:
            vocabularies = {"real": arguments.vocabulary, **vocabularies}
        print(
            f"{'profile':<16} {'casing':<8} {'vocabulary':<10} {'serving':<8} {'corpus':<24} "
            f"{'inputs':>9} {'differences':>11}"
        )
        total = 0
        for row, differences in _rows(arguments, vocabularies, Path(scratch)):
            print(row, flush=True)
            total += differences
    print(f"{total} differences")
    return 1 if total else 0


def _rows(
    arguments: argparse.Namespace, vocabularies: dict[str, Path], scratch: Path
) -> Iterator[tuple[str, int]]:
    for profile in arguments.profile or _REFERENCES:
        for do_lower_case in (True, False):
            for name, vocabulary in vocabularies.items():
                directory = scratch / f"{profile}-{do_lower_case}-{name}"
                build_in_fresh_process(
                    directory, vocabulary, profile, do_lower_case, arguments.target_serving
                )
                ours = TokenizerArtefact(directory)
                reference = _REFERENCES[profile](vocabulary, do_lower_case)
                for corpus, batches in corpora(arguments.full):
                    start = time.monotonic()
                    inputs, differences = _compare(ours, reference, batches)
                    casing = "uncased" if do_lower_case else "cased"
                    yield (
                        f"{profile:<16} {casing:<8} {name:<10} {arguments.target_serving:<8} "
                        f"{corpus:<24} {inputs:>9,} {differences:>11,}",
                        differences,
                    )
                    _note(f"{time.monotonic() - start:.0f} s")


def _compare(
    ours: TokenizerArtefact, reference: _Reference, batches: Iterator[list[bytes]]
) -> tuple[int, int]:
    inputs = differences = 0
    for batch in batches:
        inputs += len(batch)
        for text, row, expected in zip(batch, ours(batch), reference(batch), strict=True):
            if row.ids != expected:
                differences += 1
                if differences <= _SHOWN_DIFFERENCES:
                    _note(f"{text!r:.200}: {row.ids[:20]}, expected {expected[:20]}")
    return inputs, differences


def _note(words: str) -> None:
    print(f"    {words}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="verify_tokenization", description=__doc__)
    parser.add_argument("--full", action="store_true", help="all code points, all fuzz")
    parser.add_argument("--target_serving", default="2.12.0")
    parser.add_argument("--profile", action="append", choices=_REFERENCES)
    parser.add_argument("--vocabulary", type=Path, help="a real vocab.txt")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
