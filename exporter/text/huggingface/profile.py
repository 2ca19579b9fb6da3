"""The tokenizer of Hugging Face's library, in graph."""

from bert.model import TextModel
from bert.tokenizers.huggingface.characters import HuggingFaceCharacters
from bert.tokenizers.huggingface.tokenizer import HuggingFaceTokenizer
from exporter.text.engine.tokenizer import TextTokenizer
from exporter.text.huggingface.normalizer import build_normalizer
from exporter.text.packing import keep_longest_first


class HuggingFaceProfile:
    """`tokenizers`, which `transformers` tokenizes with."""

    truncate_pair = staticmethod(keep_longest_first)
    keeps_empty_second_text = True

    def build(self, model: TextModel, word_piece_op: str) -> TextTokenizer:
        """The in-graph twin of `bert.tokenizers.huggingface.tokenizer.HuggingFaceTokenizer`."""
        settings = model.huggingface_settings()
        return TextTokenizer(
            build_normalizer(settings, HuggingFaceCharacters.load()),
            settings.word_pieces(model.vocabulary),
            settings.max_input_chars_per_word,
            word_piece_op,
            settings.unk_token,
        )

    def build_reference(self, model: TextModel) -> HuggingFaceTokenizer:
        """The Python reference."""
        return HuggingFaceTokenizer(
            model.vocabulary, model.huggingface_settings(), HuggingFaceCharacters.load()
        )

    def unicode_version(self) -> str:
        """A release of the library."""
        return HuggingFaceCharacters.load().reference
