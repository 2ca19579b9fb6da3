"""The parity table: our ids against those of the library, corpus by corpus.

    scripts/verify_tokenization [--full] [--target_serving 2.12.0] [--profile NAME]

Prints inputs and differences for every profile, casing and corpus, over all vocabularies and
WordPiece ops, and exits with 1 if there is any difference. Each of its parts goes to standard
error when it is done.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bert.tokenizers.vocabulary import Vocabulary
from tests.oracles.huggingface_tokenizer import huggingface_encoder
from tests.oracles.original_tokenizer import original_tokenizer
from tests.programs.tokenization_parity.artefact import (
    Row,
    TokenizerArtefact,
    build_in_fresh_process,
)
from tests.programs.tokenization_parity.corpora import corpora, multilingual_lines
from tests.programs.tokenization_parity.offsets import OffsetRule
from tests.programs.tokenization_parity.vocabularies import write_every_character

# index of a text, our row for it -> whether the row is right
_Verdict = Callable[[int, Row], bool]
# texts -> the verdict on rows of them; the library runs once for all artefacts
_Judge = Callable[[Sequence[bytes]], _Verdict]


def _judge_by_original(vocabulary_file: Path, do_lower_case: bool) -> _Judge:
    """Ids as the original file gives them; it has no offsets."""
    tokenize = original_tokenizer(vocabulary_file, do_lower_case)

    def judge(texts: Sequence[bytes]) -> _Verdict:
        ids = [tokenize(text) for text in texts]
        return lambda index, row: row.ids == ids[index]

    return judge


def _judge_by_huggingface(vocabulary_file: Path, do_lower_case: bool) -> _Judge:
    """Ids and offsets as `tokenizers` gives them."""
    encode = huggingface_encoder(vocabulary_file, do_lower_case)

    def judge(texts: Sequence[bytes]) -> _Verdict:
        encodings = encode(texts)
        ids = [encoding.ids for encoding in encodings]
        offsets = [encoding.offsets for encoding in encodings]
        return lambda index, row: (
            row.ids == ids[index] and list(zip(row.starts, row.ends, strict=True)) == offsets[index]
        )

    return judge


_JUDGES: dict[str, Callable[[Path, bool], _Judge]] = {
    "google_research": _judge_by_original,
    "huggingface": _judge_by_huggingface,
}
_OFFSET_LINES = 20_000
_SHOWN_DIFFERENCES = 3


def main() -> int:
    """Prints the table; the exit code."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        vocabularies = {"synthetic": write_every_character(Path(scratch, "synthetic.txt"))}
        if arguments.vocabulary:
            vocabularies = {"real": arguments.vocabulary, **vocabularies}
        compared = []
        for comparison in _comparisons(arguments, vocabularies, Path(scratch)):
            _note(" ".join(map(str, comparison)))
            compared.append(comparison)
    print(table(compared))
    total = sum(comparison.differences for comparison in compared)
    print(f"{total} differences")
    return 1 if total else 0


class Comparison(NamedTuple):
    """One artefact on one corpus."""

    profile: str
    casing: str
    vocabulary: str
    target_serving: str
    corpus: str
    inputs: int
    differences: int


def table(comparisons: Sequence[Comparison]) -> str:
    """Inputs and differences by profile, casing and corpus."""
    rows: dict[tuple[str, str, str], list[int]] = {}
    for comparison in comparisons:
        key = comparison.profile, comparison.casing, comparison.corpus
        sums = rows.setdefault(key, [0, 0])
        sums[0] += comparison.inputs
        sums[1] += comparison.differences
    vocabularies = dict.fromkeys(comparison.vocabulary for comparison in comparisons)
    targets = dict.fromkeys(comparison.target_serving for comparison in comparisons)
    lines = [
        f"vocabularies: {', '.join(vocabularies)}; target_serving: {', '.join(targets)}",
        f"{'profile':<16} {'casing':<8} {'corpus':<24} {'inputs':>10} {'differences':>11}",
    ]
    for (profile, casing, corpus), (inputs, differences) in rows.items():
        lines.append(f"{profile:<16} {casing:<8} {corpus:<24} {inputs:>10,} {differences:>11,}")
    return "\n".join(lines)


def _comparisons(
    arguments: argparse.Namespace, vocabularies: dict[str, Path], scratch: Path
) -> Iterator[Comparison]:
    for profile in arguments.profile or _JUDGES:
        for do_lower_case in (True, False):
            for kind, vocabulary in vocabularies.items():
                ours = {}
                for target in arguments.target_serving or ["2.12.0"]:
                    directory = scratch / f"{profile}-{do_lower_case}-{kind}-{target}"
                    build_in_fresh_process(directory, vocabulary, profile, do_lower_case, target)
                    ours[target] = TokenizerArtefact(directory)
                judge = _JUDGES[profile](vocabulary, do_lower_case)
                judged = [(name, texts, judge) for name, texts in corpora(arguments.full)]
                if profile == "google_research":
                    rule = OffsetRule(list(Vocabulary.from_file(vocabulary).tokens), do_lower_case)
                    judged.append(("offsets, multilingual", _offset_lines(), _by_rule(rule)))
                casing = "uncased" if do_lower_case else "cased"
                for corpus, batches, judge_corpus in judged:
                    start = time.monotonic()
                    inputs, differences = _compare(ours, judge_corpus, batches)
                    for target, count in differences.items():
                        yield Comparison(profile, casing, kind, target, corpus, inputs, count)
                    _note(f"{time.monotonic() - start:.0f} s")


def _offset_lines() -> Iterator[list[bytes]]:
    yield list(multilingual_lines(_OFFSET_LINES))


def _by_rule(rule: OffsetRule) -> _Judge:
    return lambda texts: lambda index, row: rule.holds(texts[index], row)


def _compare(
    ours: Mapping[str, TokenizerArtefact],
    judge: _Judge,
    batches: Iterator[list[bytes]],
) -> tuple[int, dict[str, int]]:
    """How many inputs there were, and how many each artefact gets wrong."""
    inputs = 0
    differences = dict.fromkeys(ours, 0)
    for batch in batches:
        inputs += len(batch)
        is_right = judge(batch)
        for target, artefact in ours.items():
            for index, row in enumerate(artefact(batch)):
                if is_right(index, row):
                    continue
                differences[target] += 1
                if differences[target] <= _SHOWN_DIFFERENCES:
                    _note(f"{target}: {batch[index]!r:.200} -> {row!r:.200}")
    return inputs, differences


def _note(words: str) -> None:
    print(f"    {words}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="verify_tokenization", description=__doc__)
    parser.add_argument("--full", action="store_true", help="all code points, all fuzz")
    parser.add_argument(
        "--target_serving", action="append", help="may be given twice; default 2.12.0"
    )
    parser.add_argument("--profile", action="append", choices=_JUDGES)
    parser.add_argument("--vocabulary", type=Path, help="a real vocab.txt")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
