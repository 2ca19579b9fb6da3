"""The summary of an export, whatever a model calls its labels."""

from exporter.report import printable_labels


def test_labels_do_nothing_to_a_terminal() -> None:
    assert printable_labels(("bad", "gut, ja", "\u5584")) == "bad, gut, ja, \u5584"
    shown = printable_labels(("\x1b[2J\x1b[31mPWNED", "a\nb", "\u202e", "x" * 10**6))
    assert shown == rf"\x1b[2J\x1b[31mPWNED, a\nb, \u202e, {'x' * 60}..."


def test_many_labels_are_counted() -> None:
    shown = printable_labels([str(index) for index in range(100_000)])
    assert shown.endswith("18, 19, ... (100000 labels)")
