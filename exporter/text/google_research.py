"""The tokenizer of google-research/bert, in graph."""

from bert.tokenization import MAX_CHARACTERS_PER_WORD
from bert.vocabulary import Vocabulary
from exporter.text.google_research_table import load_table
from exporter.text.tokenizer import TextTokenizer


def build(vocabulary: Vocabulary, do_lower_case: bool, word_piece_op: str) -> TextTokenizer:
    """The in-graph twin of `bert.tokenization.FullTokenizer`."""
    table = load_table(do_lower_case)
    return TextTokenizer(table, vocabulary, MAX_CHARACTERS_PER_WORD, word_piece_op)
