"""Texts that hypothesis makes up."""

from collections.abc import Sequence

from hypothesis import strategies as st


def lines_of_any_text(
    characters: str, words: Sequence[str], longest_word: int
) -> st.SearchStrategy[list[bytes]]:
    """One to eight lines of words or bytes.

    Args:
      characters: come up more often than others.
      words: come up whole.
      longest_word: in characters, that the tokenizer knows; some words are about as long.
    """
    character = st.one_of(st.characters(codec="utf-8"), st.sampled_from(characters))
    lengths = st.integers(longest_word - 5, longest_word + 5)
    word = st.one_of(
        st.text(character, max_size=12),
        st.sampled_from(words),
        st.builds(lambda letter, count: letter * count, character, lengths),
    )
    text = st.builds(
        lambda words, between: between.join(words).encode(),
        st.lists(word, max_size=6),
        st.sampled_from(["", " ", "\u00ad", "\u2029"]),
    )
    return st.lists(st.one_of(text, st.binary(max_size=30)), min_size=1, max_size=8)
