"""The code-point tables of google-research/bert's tokenizer."""

import unicodedata
from importlib import resources
from pathlib import Path

from bert.tokenization import BasicTokenizer
from exporter.text.code_point_table import CodePointTable


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
