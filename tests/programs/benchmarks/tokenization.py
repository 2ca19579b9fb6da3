"""Tokenization speed, side by side, and how time grows with hostile rows.

    scripts/benchmark_tokenization

Contestants take turns in one process, so that what else the machine does falls on all of
them alike; the figures to trust are the ratios of one run. Each is called once untimed just
before it is timed: otherwise it would pay for what the contestant before it left in the
caches, and whoever comes after the Python loop would pay most.
"""

import argparse
import json
import os
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import tensorflow as tf
import tensorflow_text
import tokenizers

from bert.model import GOOGLE_RESEARCH
from bert.tokenizers.vocabulary import Vocabulary
from exporter.text.engine.wordpiece import FAST_OP
from exporter.text.profiles import PROFILES
from tests.exporter.text.texts import data_lines
from tests.oracles.original_tokenizer import original_tokenizer
from tests.programs.tokenization_parity.corpora import multilingual_lines
from tests.tiny_model import weightless_model

_BATCH = 64
_BATCHES = 24
_TURNS = 7
_ABUSE_BYTES = (100_000, 200_000)
_ABUSE_TURNS = 5

# Called with a batch of texts as a tensor and as strings.
_Contestant = Callable[[tf.Tensor, list[str]], object]


def main() -> None:
    """Prints both tables, and writes them as JSON where --json says."""
    parser = argparse.ArgumentParser(prog="benchmark_tokenization", description=__doc__)
    parser.add_argument("--vocabulary", type=Path, required=True)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    tokenize = _ours(arguments.vocabulary)
    results = {
        "speed": _speed(tokenize, arguments.vocabulary),
        "abuse": _abuse(tokenize),
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=2) + "\n")


def _speed(
    tokenize: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]], vocabulary_file: Path
) -> dict[str, dict[str, float]]:
    contestants = _contestants(tokenize, vocabulary_file)
    results = {}
    print(f"{'text':<14} {'contestant':<32} {'us a text':>10} {'tokens/s':>12} {'ours is':>9}")
    for name, lines in (("English", _english()), ("multilingual", _multilingual())):
        batches = [lines[i : i + _BATCH] for i in range(0, _BATCH * _BATCHES, _BATCH)]
        tokens = statistics.mean(int(tf.size(tokenize(tf.constant(b))[0])) for b in batches)
        seconds = _interleaved(contestants, batches)
        ours = seconds["ours"]
        for contestant, value in seconds.items():
            print(
                f"{name:<14} {contestant:<32} {value / _BATCH * 1e6:>10.2f} "
                f"{tokens / value:>12,.0f} {value / ours:>8.2f}x"
            )
        results[name] = seconds
    return results


def _contestants(
    tokenize: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]], vocabulary_file: Path
) -> Mapping[str, _Contestant]:
    stock = tensorflow_text.BertTokenizer(
        str(vocabulary_file), lower_case=True, token_out_type=tf.int32
    )
    fast = tensorflow_text.FastBertTokenizer(
        list(Vocabulary.from_file(vocabulary_file).tokens),
        lower_case_nfd_strip_accents=True,
        token_out_type=tf.int32,
    )
    signature = [tf.TensorSpec([None], tf.string)]
    stock_function = tf.function(lambda text: stock.tokenize(text).flat_values, signature)
    fast_function = tf.function(lambda text: fast.tokenize(text).flat_values, signature)
    huggingface = tokenizers.BertWordPieceTokenizer(str(vocabulary_file), lowercase=True)
    original = original_tokenizer(vocabulary_file, do_lower_case=True)

    def encode_batch(texts: list[str], in_parallel: str) -> object:
        # The library looks at every call.
        os.environ["TOKENIZERS_PARALLELISM"] = in_parallel
        return huggingface.encode_batch(texts)

    return {
        "ours": lambda tensor, texts: tokenize(tensor),
        "tensorflow_text BertTokenizer": lambda tensor, texts: stock_function(tensor),
        "tensorflow_text FastBertTokenizer": lambda tensor, texts: fast_function(tensor),
        "tokenizers, batch, one thread": lambda tensor, texts: encode_batch(texts, "false"),
        "tokenizers, batch, two threads": lambda tensor, texts: encode_batch(texts, "true"),
        "original Python": lambda tensor, texts: [original(text.encode()) for text in texts],
    }


def _interleaved(
    contestants: Mapping[str, _Contestant], batches: Sequence[list[str]]
) -> dict[str, float]:
    """Median seconds a batch of each contestant."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(_TURNS):
        for texts in batches:
            tensor = tf.constant(texts)
            for name, contestant in contestants.items():
                contestant(tensor, texts)
                start = time.perf_counter()
                contestant(tensor, texts)
                # The first turn is warm-up.
                if turn:
                    seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def _abuse(tokenize: Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]) -> dict[str, list[float]]:
    results = {}
    print(f"\n{'one row of':<28} {'100 KB, ms':>11} {'200 KB, ms':>11} {'ratio':>6}")
    for name, make in _abuse_rows().items():
        rows = [tf.constant([make(size)]) for size in _ABUSE_BYTES]
        medians = []
        for row in rows:
            tokenize(row)
        times: list[list[float]] = [[], []]
        for _ in range(_ABUSE_TURNS):
            for kept, row in zip(times, rows, strict=True):
                start = time.perf_counter()
                tokenize(row)
                kept.append(time.perf_counter() - start)
        medians = [statistics.median(kept) for kept in times]
        results[name] = medians
        print(
            f"{name:<28} {medians[0] * 1e3:>11.1f} {medians[1] * 1e3:>11.1f} "
            f"{medians[1] / medians[0]:>6.2f}"
        )
    return results


def _abuse_rows() -> dict[str, Callable[[int], bytes]]:
    """Makers of a row of so many bytes."""
    generator = random.Random(7)

    def words(size: int) -> bytes:
        letters = "".join(generator.choices("abcdefghijklmnopqrstuvwxyz", k=size))
        return " ".join(letters[i : i + 200] for i in range(0, size, 201)).encode()

    def repeated(text: str) -> Callable[[int], bytes]:
        unit = text.encode()
        return lambda size: unit * (size // len(unit))

    return {
        "one letter repeated": repeated("a"),
        "one-letter words": repeated("a "),
        "200-letter random words": words,
        "emoji": repeated("😀"),
        "Hangul": repeated("한국어"),
        "marks on one letter": lambda size: b"e" + "\u0301\u0316".encode() * (size // 4),
        "marks that are reordered": repeated("\U0001d165\U0001d16d\u302e"),
        "capital sigmas": repeated("Σ"),
        "capital sigmas in words": repeated("ΑΣ "),
        "CJK": repeated("漢字"),
        "invalid bytes": lambda size: b"\xffa" * (size // 2),
    }


def _english() -> list[str]:
    lines = [line.decode().split("\t")[0] for line in data_lines() if line.isascii() and line]
    return (lines * (1 + _BATCH * _BATCHES // len(lines)))[: _BATCH * _BATCHES]


def _multilingual() -> list[str]:
    lines = [line.decode("utf-8", "ignore") for line in multilingual_lines(20_000)]
    chosen = [line for line in lines if not line.isascii() and len(line) > 20]
    random.Random(5).shuffle(chosen)
    return (chosen * (1 + _BATCH * _BATCHES // len(chosen)))[: _BATCH * _BATCHES]


def _ours(vocabulary_file: Path) -> Callable[[tf.Tensor], tuple[tf.Tensor, tf.Tensor]]:
    model = weightless_model(
        Vocabulary.from_file(vocabulary_file), GOOGLE_RESEARCH, do_lower_case=True
    )
    tokenizer = PROFILES[GOOGLE_RESEARCH].build(model, FAST_OP)

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)])
    def tokenize(text: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        tokens = tokenizer.tokenize_with_offsets(tf.ensure_shape(text, [None]))
        return tokens.ids, tokens.row_splits

    return tokenize


if __name__ == "__main__":
    main()
