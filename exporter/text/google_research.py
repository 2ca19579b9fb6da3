"""The tokenizer of google-research/bert, in graph."""

import unicodedata
from importlib import resources
from pathlib import Path

from bert.model import TextModel
from bert.tokenizers.google_research import MAX_CHARACTERS_PER_WORD, BasicTokenizer, FullTokenizer
from bert.tokenizers.vocabulary import UNK
from exporter.text.engine.code_point_table import CodePointTable
from exporter.text.engine.code_points import CodePointNormalizer
from exporter.text.engine.tokenizer import TextTokenizer
from exporter.text.packing import keep_longer_shortened


def load_table(do_lower_case: bool) -> CodePointTable:
    """The table of this Python's Unicode version.

    The package ships a table for the Unicode version of every supported Python; for another
    version the reference is run here, which takes about 20 seconds.
    """
    version = unicodedata.unidata_version
    file = resources.files("exporter.text") / "data" / table_file_name(do_lower_case, version)
    if not file.is_file():
        return build_table(do_lower_case)
    with resources.as_file(file) as path:
        return CodePointTable.load(Path(path))


def build_table(do_lower_case: bool) -> CodePointTable:
    """Runs the Python reference on every code point."""
    return CodePointTable.build(
        BasicTokenizer(do_lower_case).tokenize,
        # Only accents are decomposed away, and only where text is lower-cased.
        combining=unicodedata.combining if do_lower_case else None,
        unicode_version=unicodedata.unidata_version,
    )


def table_file_name(do_lower_case: bool, unicode_version: str) -> str:
    """The name of a shipped table."""
    casing = "uncased" if do_lower_case else "cased"
    return f"google_research-{casing}-unicode-{unicode_version}.npz"


class GoogleResearchProfile:
    """google-research/bert's `tokenization.py` and `run_classifier.py`."""

    truncate_pair = staticmethod(keep_longer_shortened)
    keeps_empty_second_text = False

    def build(self, model: TextModel, word_piece_op: str) -> TextTokenizer:
        """The in-graph twin of `bert.tokenizers.google_research.FullTokenizer`."""
        return TextTokenizer(
            CodePointNormalizer(load_table(model.do_lower_case)),
            model.vocabulary,
            MAX_CHARACTERS_PER_WORD,
            word_piece_op,
            UNK,
        )

    def build_reference(self, model: TextModel) -> FullTokenizer:
        """The Python reference."""
        return FullTokenizer(model.vocabulary, model.do_lower_case)

    def unicode_version(self) -> str:
        """The version of this Python, whose `unicodedata` the reference goes by."""
        return unicodedata.unidata_version
