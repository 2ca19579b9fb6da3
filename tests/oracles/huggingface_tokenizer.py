"""Hugging Face's BertWordPieceTokenizer as a function from bytes to encodings."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tokenizers import BertWordPieceTokenizer, Encoding


def huggingface_encoder(
    vocabulary_file: Path, do_lower_case: bool
) -> Callable[[Sequence[bytes]], list[Encoding]]:
    """Tokenizes with `tokenizers`; bytes are decoded as UTF-8, invalid ones dropped."""
    tokenizer = BertWordPieceTokenizer(str(vocabulary_file), lowercase=do_lower_case)

    def encode(texts: Sequence[bytes]) -> list[Encoding]:
        decoded = [text.decode("utf-8", "ignore") for text in texts]
        return tokenizer.encode_batch(decoded, add_special_tokens=False)

    return encode
