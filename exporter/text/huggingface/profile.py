"""The tokenizer of Hugging Face's library, in graph."""

from bert.model import TextModel
from bert.tokenizers.huggingface.characters import HuggingFaceCharacters
from bert.tokenizers.huggingface.tokenizer import HuggingFaceTokenizer
from exporter.text.engine.tokenizer import TextTokenizer
from exporter.text.huggingface.normalizer import HuggingFaceNormalizer


def build(model: TextModel, word_piece_op: str) -> TextTokenizer:
    """The in-graph twin of `bert.tokenizers.huggingface.tokenizer.HuggingFaceTokenizer`."""
    settings = model.huggingface_settings()
    normalizer = HuggingFaceNormalizer(settings, HuggingFaceCharacters.load())
    return TextTokenizer(
        normalizer.table,
        settings.word_pieces(model.vocabulary),
        settings.max_input_chars_per_word,
        word_piece_op,
        unknown_token=settings.unk_token,
        literal_normalizer=normalizer,
    )


def build_reference(model: TextModel) -> HuggingFaceTokenizer:
    """The Python reference."""
    return HuggingFaceTokenizer(
        model.vocabulary, model.huggingface_settings(), HuggingFaceCharacters.load()
    )


def unicode_version(model: TextModel) -> str:
    """Whose Unicode the tokenizer follows: a release of the library."""
    del model
    return HuggingFaceCharacters.load().reference
