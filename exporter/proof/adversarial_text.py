"""Texts on which tokenizers are known to part ways, for the verification of an export."""

# Each line holds what at least one stock in-graph tokenizer gets wrong, or what a request
# may hold though no training text did. Each kind stands near the start of a line, since
# what truncation cuts off is not seen.
ADVERSARIAL_TEXTS: tuple[bytes, ...] = (
    b"",
    b" ",
    b"\t\r\n",
    b"a",
    b"The quick brown fox, aged 7, jumps over the lazy dog's back -- twice!",
    b"don't stop: e-mail me@example.org (or call +1-555-0100) @ 9:30 a.m. #now $5 100%",
    b"unaffable embeddings antidisestablishmentarianism",
    "TITLE I İstanbul ıssız IĞDIR".encode(),
    "½ … ™ ² ß ﬁ ＡＢＣ ℃ ŉ ﬀ".encode(),
    "ΟΔΥΣΣΕΥΣ ΣΑΣ ΑΣ Σ ΑΣ. ΑΣ'Α ΑΣ\u00adΑ ά\u0345Σ".encode(),
    "naïve café Ångström résumé Ẹ̀kọ́ Việt Nam".encode(),
    "cafe\u0301 a\u0300\u0316\u0302 x\u0338".encode(),
    "\u302e\u302f\U00016ff0 \U0001d165\U0001d16d\U0001d158\u094d\u0902".encode(),
    "soft\u00adhyphen zero\u200bwidth\u200djoiner\u200c \ufeffmark".encode(),
    "no\u00a0break\u3000wide\u2003em\u2028line\u2029paragraph\u0085next".encode(),
    "private \ue000 \U000f0000 unassigned \u0378 replacement \ufffd".encode(),
    "我喜欢这部电影，非常好看！ 𠀀𪜀豈".encode(),
    "これはペンです。ｶﾞｷﾞ アイウ が".encode(),
    "한국어 텍스트 가각힣 ㄱㅏ".encode(),
    "Привет, мир! ЙОД ёж Ґанок".encode(),
    "مَرْحَبًا بِالعَالَم، שָׁלוֹם".encode(),
    "हिन्दी में लिखा हुआ। ภาษาไทย ខ្មែរ".encode(),
    "emoji 😀👍🏽👩‍👩‍👧 🇫🇷 ❤️".encode(),
    "‘quotes’ “double” «guillemets» — dash – en … ¿qué? ¡sí!".encode(),
    "x²+y²=z² ≠ ≤ ∞ √ ∑ ← → €9.99 £5 ¥100".encode(),
    b"[CLS] [SEP] [UNK] [MASK] [PAD] [unused1] ##ing ## #",
    b"nul\x00byte bell\x07 escape\x1b[0m del\x7f unit\x1fseparator",
    b"bad \xff\xfe utf-8 \xc3( \xe2\x82 \xed\xa0\x80 \xf4\x90\x80\x80 \xc0\xaf end\xf0\x9f",
    b"\x80\x81\x82",
    b"a" * 199 + b" z",
    b"b" * 200 + b" z",
    b"c" * 201 + b" z",
    "é".encode() * 150 + b" z",
    "漢".encode() * 30 + b" z",
    "가".encode() * 101 + b" z",
    b"one " * 700,
    b"http://www.example.com/path?query=1&other=2#fragment_with_underscores",
)


def adversarial_rows(text_pair: bool, mask_token: str = "") -> list[tuple[bytes, ...]]:
    """Every adversarial text, in a pair with the next one where texts come in pairs.

    With a mask token it stands before each but every fourth one.
    """
    texts = ADVERSARIAL_TEXTS
    if mask_token:
        mask = f"{mask_token} ".encode()
        texts = tuple(text if index % 4 == 3 else mask + text for index, text in enumerate(texts))
    if not text_pair:
        return [(text,) for text in texts]
    return list(zip(texts, (*texts[1:], texts[0]), strict=True))
