"""Hugging Face's BertWordPieceTokenizer as a function from bytes to ids."""

from collections.abc import Callable, Sequence
from pathlib import Path

from tokenizers import BertWordPieceTokenizer, Encoding


def huggingface_tokenizer(
    vocabulary_file: Path, do_lower_case: bool
) -> Callable[[Sequence[bytes]], list[list[int]]]:
    """Tokenizes with `tokenizers`; bytes are decoded as UTF-8, invalid ones dropped."""
    encode = huggingface_encoder(vocabulary_file, do_lower_case)
    return lambda texts: [encoding.ids for encoding in encode(texts)]


def huggingface_encoder(
    vocabulary_file: Path, do_lower_case: bool
) -> Callable[[Sequence[bytes]], list[Encoding]]:
    """The same with all that an Encoding holds, offsets too."""
    tokenizer = BertWordPieceTokenizer(str(vocabulary_file), lowercase=do_lower_case)

    def encode(texts: Sequence[bytes]) -> list[Encoding]:
        decoded = [text.decode("utf-8", "ignore") for text in texts]
        return tokenizer.encode_batch(decoded, add_special_tokens=False)

    return encode
