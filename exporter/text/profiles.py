"""The tokenizers a model can have been trained with, by name."""

from collections.abc import Callable, Mapping

from bert.model import GOOGLE_RESEARCH, FineTunedModel
from bert.vocabulary import Vocabulary
from exporter.text import google_research
from exporter.text.tokenizer import TextTokenizer

_BUILDERS: Mapping[str, Callable[[Vocabulary, bool, str], TextTokenizer]] = {
    GOOGLE_RESEARCH: google_research.build,
}


def build(model: FineTunedModel, word_piece_op: str) -> TextTokenizer:
    """The in-graph twin of the tokenizer that `model` was trained with."""
    return _BUILDERS[model.tokenizer](model.vocabulary, model.do_lower_case, word_piece_op)
