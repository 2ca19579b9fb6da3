"""The tokenizer of google-research/bert, in graph."""

from bert.model import TextModel
from bert.tokenization import MAX_CHARACTERS_PER_WORD, FullTokenizer
from exporter.text.google_research_table import load_table
from exporter.text.tokenizer import TextTokenizer


def build(model: TextModel, word_piece_op: str) -> TextTokenizer:
    """The in-graph twin of `bert.tokenization.FullTokenizer`."""
    table = load_table(model.do_lower_case)
    return TextTokenizer(table, model.vocabulary, MAX_CHARACTERS_PER_WORD, word_piece_op)


def build_reference(model: TextModel) -> FullTokenizer:
    """The Python reference."""
    return FullTokenizer(model.vocabulary, model.do_lower_case)


def unicode_version(model: TextModel) -> str:
    """Whose Unicode the tokenizer follows."""
    return load_table(model.do_lower_case).unicode_version
