"""The tokenizer of google-research/bert, in graph."""

import unicodedata
from importlib import resources
from pathlib import Path

from bert.model import TextModel
from bert.tokenizers.google_research import MAX_CHARACTERS_PER_WORD, BasicTokenizer, FullTokenizer
from exporter.text.engine.code_point_table import CodePointTable
from exporter.text.engine.tokenizer import TextTokenizer


def load_table(do_lower_case: bool) -> CodePointTable:
    """The table of this Python's Unicode version.

    Tables of the Unicode versions that supported Pythons have ship with the package;
    for another one the reference is run here, which takes about 20 seconds.
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


def build(model: TextModel, word_piece_op: str) -> TextTokenizer:
    """The in-graph twin of `bert.tokenizers.google_research.FullTokenizer`."""
    table = load_table(model.do_lower_case)
    return TextTokenizer(table, model.vocabulary, MAX_CHARACTERS_PER_WORD, word_piece_op)


def build_reference(model: TextModel) -> FullTokenizer:
    """The Python reference."""
    return FullTokenizer(model.vocabulary, model.do_lower_case)


def unicode_version(model: TextModel) -> str:
    """Whose Unicode the tokenizer follows."""
    return load_table(model.do_lower_case).unicode_version
