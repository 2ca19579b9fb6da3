import dataclasses
import random
import unicodedata
from pathlib import Path

import numpy as np
import pytest

from bert.tokenizers.google_research import BasicTokenizer
from exporter.text import google_research
from exporter.text.engine import code_point_table as module
from exporter.text.engine.code_point_table import CodePointTable
from tests.exporter.text import texts
from tests.repository import ROOT

_DATA = ROOT / "exporter" / "text" / "data"
# Python 3.10, 3.11 and 3.12 have them.
_SHIPPED_UNICODE_VERSIONS = ("13.0.0", "14.0.0", "15.0.0")


def assert_equal(found: CodePointTable, expected: CodePointTable) -> None:
    for field in dataclasses.fields(CodePointTable):
        np.testing.assert_array_equal(getattr(found, field.name), getattr(expected, field.name))


def entry(table: CodePointTable, code_point: int) -> int:
    return int(table.entries[table.page_starts[code_point >> 8] + (code_point & 255)])


def output(table: CodePointTable, code_point: int) -> tuple[int, ...]:
    """What a table makes of a code point."""
    value, flags = entry(table, code_point) >> module.FLAG_BITS, entry(table, code_point) & 255
    if flags & module.MULTIPLE:
        return tuple(part for part in table.expansions[value].tolist() if part >= 0)
    return () if flags & module.REMOVED else (code_point + value,)


def sample(do_lower_case: bool) -> list[int]:
    """Some code points of every category, and everything that lower-casing changes in the BMP."""
    chosen = set(map(ord, texts.characters(1500)))
    chosen |= set(range(0x600))
    if do_lower_case:
        chosen |= {c for c in range(0xD800) if chr(c).lower() != chr(c)}
    return sorted(chosen)


@pytest.mark.parametrize("do_lower_case", [True, False])
def test_shipped_table_is_what_the_reference_does(do_lower_case: bool, full: bool) -> None:
    """All of it in the full suite, which takes about 25 seconds a casing."""
    shipped = google_research.load_table(do_lower_case)
    assert shipped.unicode_version == unicodedata.unidata_version
    assert shipped.has_final_sigma == do_lower_case
    if full:
        assert_equal(shipped, google_research.build_table(do_lower_case))
    tokenize = BasicTokenizer(do_lower_case).tokenize
    wrong = []
    for code_point in sample(do_lower_case):
        expected_output, expected = module._probe(tokenize, chr(code_point))
        if len(expected_output) > 1:
            expected |= module.MULTIPLE
        if do_lower_case:
            expected |= module._case_class(tokenize, chr(code_point))
            if any(unicodedata.combining(chr(part)) for part in expected_output):
                expected |= module.REORDERED
            gives_nothing = not expected_output and not expected & module.SEPARATOR
            if module._blocks_reordering(chr(code_point), gives_nothing, unicodedata.combining):
                expected |= module.BLOCKS_REORDERING
        found = output(shipped, code_point), entry(shipped, code_point) & 255
        if found != (expected_output, expected):
            wrong.append(f"U+{code_point:04X}: {found} is not {(expected_output, expected)}")
    assert not wrong[:10]


def test_this_python_has_a_shipped_table() -> None:
    for do_lower_case in (True, False):
        name = google_research.table_file_name(do_lower_case, unicodedata.unidata_version)
        assert (_DATA / name).is_file()


@pytest.mark.parametrize("casing", ["uncased", "cased"])
@pytest.mark.parametrize("version", _SHIPPED_UNICODE_VERSIONS)
def test_shipped_tables_are_whole(casing: str, version: str) -> None:
    table = CodePointTable.load(_DATA / f"google_research-{casing}-unicode-{version}.npz")
    assert table.unicode_version == version
    assert len(table.page_starts) == module.CODE_POINTS // module.PAGE_SIZE
    assert len(table.entries) % module.PAGE_SIZE == 0
    assert 0 <= table.page_starts.min() <= table.page_starts.max() < len(table.entries)
    assert output(table, ord("q")) == (ord("q"),)
    assert output(table, ord("Q")) == (ord("q" if casing == "uncased" else "Q"),)
    assert output(table, ord("\0")) == ()


@pytest.fixture(scope="module")
def table() -> CodePointTable:
    return google_research.load_table(True)


def test_save_and_load(table: CodePointTable, tmp_path: Path) -> None:
    table.save(tmp_path / "table.npz")
    loaded = CodePointTable.load(tmp_path / "table.npz")
    assert_equal(loaded, table)
    assert type(loaded.has_final_sigma) is bool
    assert type(loaded.unicode_version) is str


def test_without_a_shipped_table_the_reference_is_run(
    table: CodePointTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unicodedata, "unidata_version", "99.0.0")
    monkeypatch.setattr(google_research, "build_table", lambda casing: (casing, table))
    assert google_research.load_table(True) == (True, table)


@pytest.mark.parametrize(
    ("character", "expected", "flags"),
    [
        ("a", "a", 0),
        ("É", "e", 0),
        ("ß", "ß", 0),
        ("İ", "i", 0),
        ("\u0301", "", module.REMOVED),
        ("\u00ad", "", module.REMOVED),
        ("\0", "", module.REMOVED),
        ("\u2028", "", module.REMOVED | module.SEPARATOR),
        ("\u00a0", "", module.REMOVED | module.SEPARATOR),
        ("!", "!", module.SEPARATOR | module.ISOLATED),
        ("漢", "漢", module.SEPARATOR | module.ISOLATED),
        ("가", "가", module.MULTIPLE),
        ("각", "각", module.MULTIPLE),
    ],
)
def test_entries(table: CodePointTable, character: str, expected: str, flags: int) -> None:
    code_point = ord(character)
    assert output(table, code_point) == tuple(map(ord, unicodedata.normalize("NFD", expected)))
    mask = module.REMOVED | module.SEPARATOR | module.ISOLATED | module.MULTIPLE
    assert entry(table, code_point) & mask == flags


def test_what_no_table_can_hold_is_told() -> None:
    for words in (["a", "x", "y", "b"], ["axb", "b"], ["awxyzb"]):

        def tokenize(text: str, words: list[str] = words) -> list[str]:
            return words

        with pytest.raises(ValueError, match="U\\+0000"):
            CodePointTable.build(tokenize, None, "14.0.0")


def test_a_context_that_no_single_probe_sees(table: CodePointTable) -> None:
    """Entries put together give what the reference does to whole words."""
    generator = random.Random(4)
    characters = [c for c in texts.characters(200) if c != "Σ"]
    tokenize = BasicTokenizer(True).tokenize
    for _ in range(2000):
        word = "".join(generator.choices(characters, k=3))
        parts = [output(table, ord(character)) for character in word]
        flags = [entry(table, ord(character)) for character in word]
        if any(flag & (module.REORDERED | module.SEPARATOR) for flag in flags):
            continue
        found = "".join(chr(c) for part in parts for c in part)
        assert "".join(tokenize(word)) == found
