"""When the graph's answers count as those of the witness."""

from exporter.proof.answers import Answer, same_answers

_EXPECTED = [Answer("ne", 0.5, 29, 31), Answer("one", 0.3, 0, 3)]


def test_the_same_words_elsewhere_need_a_twin() -> None:
    """run_squad.py lists one place of a text, and rounding may exchange two that are near."""
    found = [Answer("ne", 0.5 - 1e-8, 641, 643), _EXPECTED[1]]
    assert not same_answers(found, _EXPECTED)
    assert same_answers(found, _EXPECTED, [Answer("ne", 0.5 - 2e-8, 641, 643)])
    assert not same_answers(found, _EXPECTED, [Answer("ne", 0.49, 641, 643)])
    assert not same_answers(found, _EXPECTED, [Answer("ne", 0.5, 645, 647)])
