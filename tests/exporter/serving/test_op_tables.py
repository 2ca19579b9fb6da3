import pytest

from exporter.serving.op_tables import OpTables
from exporter.serving.release import format_release, parse_release
from exporter.text.engine.wordpiece import CLASSIC_OP, FAST_OP


@pytest.fixture(scope="module")
def tables() -> OpTables:
    return OpTables()


def has(tables: OpTables, release: str, op: str) -> bool:
    return not tables.lacking(op, [parse_release(release)])


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("2.7.0", False),
        ("2.7.3", True),
        ("2.7.4", True),
        ("2.8.0", False),
        ("2.9.3", False),
        ("2.10.0", True),
        ("2.11.0", True),
        ("2.12.0", True),
        ("2.19.1", True),
        ("2.20.0", True),
    ],
)
def test_the_fast_op_came_went_and_came_back(
    tables: OpTables, release: str, expected: bool
) -> None:
    assert has(tables, release, FAST_OP) == expected


def test_the_classic_op_is_everywhere(tables: OpTables) -> None:
    assert tables.lacking(CLASSIC_OP, tables.releases) == []
    assert tables.oldest_release([CLASSIC_OP]) == tables.releases[0]


def test_oldest_release_means_from_then_on(tables: OpTables) -> None:
    assert tables.oldest_release([FAST_OP]) == (2, 10, 0)
    assert tables.oldest_release(["FastBertNormalize", CLASSIC_OP]) == (2, 12, 0)
    assert tables.oldest_release(["TFText>RoundRobinTrim"]) == (2, 20, 0)
    assert tables.oldest_release(["NoSuchOp"]) is None
    assert tables.oldest_release([]) == tables.releases[0]


def test_core_ops(tables: OpTables) -> None:
    assert tables.lacking("MatMul", tables.releases) == []
    for release, expected in (("2.9.3", False), ("2.10.1", True), ("2.11.0", True)):
        assert has(tables, release, "DisableCopyOnRead") == expected


def test_attributes(tables: OpTables) -> None:
    for attribute, expected in (("transpose_a", []), ("no_such_attribute", tables.releases)):
        assert tables.lacking("MatMul", tables.releases, [attribute]) == expected
    assert tables.lacking("VarHandleOp", [(2, 12, 0), (2, 19, 1)], ["debug_name"]) == [(2, 12, 0)]
    assert tables.oldest_release({"VarHandleOp": ["debug_name"], "MatMul": []}) == (2, 15, 1)


def test_a_release_between_two_tables(tables: OpTables, monkeypatch: pytest.MonkeyPatch) -> None:
    """It has what both neighbours have."""
    core = {
        (2, 5): {"A": frozenset("x")},
        (2, 12): {"A": frozenset("x"), "B": frozenset()},
        (2, 20): {"A": frozenset("xy"), "B": frozenset()},
    }
    monkeypatch.setitem(vars(tables), "_core_tables", core)
    assert has(tables, "2.8.0", "A")
    assert not has(tables, "2.8.0", "B")
    assert has(tables, "2.12.0", "B")
    assert tables.lacking("A", [(2, 12, 0), (2, 17, 0), (2, 20, 0)], "y") == [
        (2, 12, 0),
        (2, 17, 0),
    ]


def test_releases(tables: OpTables) -> None:
    assert tables.releases == sorted(set(tables.releases))
    assert tables.releases[0] == (2, 5, 1)
    assert tables.releases[-1] == (2, 20, 0)
    assert tables.from_release_on((2, 19, 1)) == [(2, 19, 1), (2, 20, 0)]


@pytest.mark.parametrize("text", ["2.12", "2.12.0"])
def test_release_numbers(text: str) -> None:
    assert parse_release(text) == (2, 12, 0)
    assert format_release(parse_release(text)) == "2.12.0"


@pytest.mark.parametrize("text", ["", "2", "latest", "2.12.0.1", "2.-1.0", "2.12.0-rc1", "v2.12"])
def test_what_is_no_release(text: str) -> None:
    with pytest.raises(ValueError):
        parse_release(text)
