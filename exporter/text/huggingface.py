"""The tokenizer of Hugging Face's library, in graph."""

from bert.huggingface_characters import HuggingFaceCharacters
from bert.huggingface_settings import HuggingFaceSettings
from bert.huggingface_tokenization import HuggingFaceTokenizer
from bert.model import FineTunedModel
from exporter.text.huggingface_code_points import HuggingFaceNormalizer
from exporter.text.tokenizer import TextTokenizer


def build(model: FineTunedModel, word_piece_op: str) -> TextTokenizer:
    """The in-graph twin of `bert.huggingface_tokenization.HuggingFaceTokenizer`."""
    settings = _settings(model)
    return TextTokenizer(
        HuggingFaceNormalizer(settings, HuggingFaceCharacters.load()),
        settings.word_pieces(model.vocabulary),
        settings.max_input_chars_per_word,
        word_piece_op,
        unknown_token=settings.unk_token,
        has_literals=bool(settings.added_tokens),
    )
