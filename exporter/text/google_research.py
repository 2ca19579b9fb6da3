"""The tokenizer of google-research/bert, in graph."""

from bert.model import FineTunedModel
from bert.tokenization import MAX_CHARACTERS_PER_WORD
from exporter.text.code_points import CodePointNormalizer
from exporter.text.google_research_table import load_table
from exporter.text.tokenizer import TextTokenizer


def build(model: FineTunedModel, word_piece_op: str) -> TextTokenizer:
    """The in-graph twin of `bert.tokenization.FullTokenizer`."""
    normalizer = CodePointNormalizer(load_table(model.do_lower_case))
    return TextTokenizer(normalizer, model.vocabulary, MAX_CHARACTERS_PER_WORD, word_piece_op)
