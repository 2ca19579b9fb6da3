"""Texts that tokenizers part ways on: samples, fuzz and lines of data; all seeded."""

import functools
import itertools
import os
import random
import sys
import unicodedata
from pathlib import Path

from exporter.proof.adversarial_text import ADVERSARIAL_TEXTS
from tests.repository import ROOT

# What the stock in-graph tokenizers get wrong, cause by cause.
EXAMPLES = (
    "½ … ™ ² ß ﬁ ＡＢＣ ℃",
    "ΟΔΟΣ ΟΔΟΣ. ΣΊΓΜΑ ΑΣ ΑΣΑ Σ ΣΣ 'ΑΣ' Α\u00adΣ ΑΣ\u0301 \u0301Σ ΑʰΣ ΑΣʰΑ",
    "soft\u00adhyphen zero\u200dwidth\u200bspace \u200e\u200fmarks \ufeffBOM",
    "nul\x00byte replace\ufffdment",
    "w" * 100 + " " + "é" * 60 + " " + "x" * 200 + " " + "y" * 201 + " " + "漢" * 201,
    "no\u00a0break ideographic\u3000space line\u2028separator paragraph\u2029separator",
    "[CLS] [SEP] [MASK] [UNK] [PAD] [unused0] ##s [cls]",
    "\ue000private \U00100000use \u0378unassigned",
    "TITLE I İI ıi",
    "a\u0301\u0316 e\u0316\u0301 \u1ea5\u0323 x\U00016ff0\u3099 \u0f71\u0f72\u0f74",
)

SENTENCES = (
    "A stirring, funny film.",
    "The battery died after a week; I'd like my $49.99 back!",
    "Zu spät: Straße gesperrt, weiß der Geier warum …",
    "L’été à Paris – « très cher », naïve Zoë…",
    "Ο Οδυσσέας γύρισε. ΟΔΥΣΣΕΥΣ!",
    "Съешь же ещё этих мягких французских булок.",
    "今日はいい天気ですね。ﾃｽﾄ、テスト。",
    "这部电影我看了三遍，太棒了！",
    "오늘 날씨가 참 좋습니다.",
    "مرحبًا بالعالم، كيف حالك؟",
    "שלום עולם",
    "यह फ़िल्म बहुत अच्छी है।",
    "ฉันชอบหนังเรื่องนี้มาก",
    "10³ m² ≈ ½ km²? ‘maybe’ — №7",
    "see https://example.org/a_b?c=d&e=f#g or mail me@example.org :-) 😀👩‍👩‍👧",
)

_POOLS = (
    "abcdefghijklmnopqrstuvwxyz",
    "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "0123456789",
    "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~¡¿«»‘’“”–—…§¶·",
    "éèêëàâäçñöüÉÈÀÇÑÖÜåÅøØ",
    "ΣσςΑαΒβΆά",
    "ΣΣΣ\u0301\u0345\u02b0'.\u00ad\u200d",
    "АБВЙЁабвйёҐ",
    "漢字日本語中文電影㐀𠀀豈",
    "가각힣각",
    "ぁアがガｶﾞ",
    "अआकखि़्ा",
    "אבגשׁ",
    "ابتمَرّ",
    "İıĲŉǰßẞﬁﬀ½²™℃ＡＢ",
    "\u0300\u0301\u0302\u0316\u0323\u0338\u0345\u05b0\u064b\u094d\u3099",
    "\u0f71\u0f72\u302e\u302f\U00016ff0\U00016ff1\U0001d165\U0001d166\U0001d16d",
    "\u00ad\u200b\u200c\u200d\u200e\u2060\ufeff\U000e0041",
    " \t\n\r\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000\u0085\x0b\x0c\x1c\x1f",
    "\0\x01\x07\x7f\ufffd",
    "\ue000\uf8ff\U000f0000\u0378\U0003ffff",
    "😀👍🏽🇫🇷❤️",
)
_WORDS = (
    "the",
    "film",
    "unaffable",
    "embeddings",
    "THE",
    "don't",
    "ΟΔΟΣ",
    "naïve",
    "[MASK]",
    "[CLS]",
    "[UNK]",
    "##s",
    "co-operate",
    "ΑΣ",
)


def characters(count: int) -> str:
    """Code points of every general category, `count` at most of each; seeded.

    A smaller count gives a part of what a larger one gives.
    """
    return "".join(character for members in _by_category() for character in members[:count])


@functools.cache
def _by_category() -> list[list[str]]:
    """All characters by general category, each category in random order."""
    categories: dict[str, list[str]] = {}
    for character in map(chr, range(sys.maxunicode + 1)):
        categories.setdefault(unicodedata.category(character), []).append(character)
    del categories["Cs"]  # surrogates are no text
    generator = random.Random(2)
    for members in categories.values():
        generator.shuffle(members)
    return list(categories.values())


def probes(sample: str, *, around: bool) -> list[bytes]:
    """Each character inside a word; and `around`, where final-sigma and reordering rules see it."""
    texts = (f"a{c}b" for c in sample)
    if not around:
        return [text.encode() for text in texts]
    neighbours = (f"{c}Σ aΣ{c} aΣ{c}b e\u0301{c}\u0316\U00016ff0" for c in sample)
    return [text.encode() for text in itertools.chain(texts, neighbours)]


def fuzzed_strings(count: int, seed: int) -> list[bytes]:
    """Random texts of all scripts and classes."""
    generator = random.Random(seed)
    return [_fuzzed(generator).encode() for _ in range(count)]


def corrupted_bytes(count: int, seed: int) -> list[bytes]:
    """Random texts with bytes changed, dropped, inserted and cut off."""
    generator = random.Random(seed)
    texts = []
    for _ in range(count):
        data = bytearray(_fuzzed(generator).encode() or b"x")
        for _ in range(generator.randint(1, 6)):
            place = generator.randrange(len(data) + 1)
            change = generator.randrange(4)
            if change == 0:
                data[place:place] = generator.randbytes(generator.randint(1, 4))
            elif change == 1:
                del data[place : place + generator.randint(1, 3)]
            elif change == 2:
                data[place : place + 1] = generator.randbytes(1)
            else:
                data[place:place] = generator.choice(_BROKEN)
        texts.append(bytes(data))
    return texts


_BROKEN = (
    b"\xc0\xaf",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xe2\x82",
    b"\xf0\x9f\x98",
    b"\xff\xfe",
    b"\x80",
    b"\xc3",
    b"\xe0\x80\xaf",
)


def _fuzzed(generator: random.Random) -> str:
    parts = []
    for _ in range(generator.randint(0, 12)):
        kind = generator.random()
        if kind < 0.15:
            parts.append(generator.choice(_WORDS))
        elif kind < 0.20:
            letters = generator.choice(_POOLS)
            letter = generator.choice(letters)
            parts.append(letter * generator.randint(195, 205))
        elif kind < 0.30:
            parts.append(chr(_code_point(generator)))
        else:
            pool = generator.choice(_POOLS)
            if generator.random() < 0.4:
                pool += generator.choice(_POOLS)
            parts.append("".join(generator.choices(pool, k=generator.randint(1, 8))))
        if generator.random() < 0.5:
            parts.append(" ")
    return "".join(parts)


def _code_point(generator: random.Random) -> int:
    limit = generator.choice((0x250, 0x3000, 0x10000, sys.maxunicode + 1))
    code_point = generator.randrange(limit)
    return code_point if not 0xD800 <= code_point < 0xE000 else 0x3A3


def data_lines() -> list[bytes]:
    """Every line of SST-2 and MRPC where BERT_EXPORTER_DATA names their folder.

    Without it, lines that the project wrote.
    """
    folder = os.environ.get("BERT_EXPORTER_DATA")
    if folder:
        files = sorted(Path(folder, "sst2").glob("*.tsv"))
        files.append(Path(folder, "mrpc", "msr_paraphrase_train.txt"))
        assert len(files) > 1, f"no sst2/*.tsv in {folder}"
    else:
        files = sorted((ROOT / "scripts" / "quickstart_data").glob("*.tsv"))
    lines = [line for file in files for line in file.read_bytes().split(b"\n")]
    return [*lines, *ADVERSARIAL_TEXTS, *(sentence.encode() for sentence in SENTENCES)]
