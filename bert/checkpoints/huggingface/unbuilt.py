"""Families of models that people fine-tune and that are not built, each with the reason."""

from collections.abc import Mapping

_SENTENCE_PIECE = "its tokenizer is SentencePiece's, not WordPiece"
_BYTE_PAIRS = "its tokenizer merges pairs of bytes, and is not WordPiece"

# model_type -> the reason.
REASONS: Mapping[str, str] = {
    "bart": _BYTE_PAIRS,
    "big_bird": _SENTENCE_PIECE,
    "camembert": _SENTENCE_PIECE,
    "convbert": "its layers hold convolutions beside attention",
    "deberta": f"its attention has matrices for positions, and {_BYTE_PAIRS}",
    "deberta-v2": f"its attention has matrices for positions, and {_SENTENCE_PIECE}",
    "funnel": "its layers shorten the row",
    "longformer": _BYTE_PAIRS,
    "mobilebert": "its layers are bottlenecks with other normalisations",
    "modernbert": f"its layers are others, and {_BYTE_PAIRS}",
    "nomic_bert": "its layers are others, with rotated positions",
    "roberta": _BYTE_PAIRS,
    "roformer": "its attention rotates positions",
    "squeezebert": "its layers are grouped convolutions",
    "xlm-roberta": _SENTENCE_PIECE,
    "xlm-roberta-xl": _SENTENCE_PIECE,
    "xlnet": f"it reads texts in permuted order, and {_SENTENCE_PIECE}",
}
