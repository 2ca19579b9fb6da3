"""Pieces back to the text that they come from (run_squad.py, `get_final_text`)."""

from bert.tokenizers.google_research import BasicTokenizer


def final_text(pieces: str, words: str, do_lower_case: bool) -> str:
    """The part of `words` that `pieces` stand for; all of them where that cannot be told.

    Characters are matched one by one, which fails where the tokenizer drops some or makes more of
    them.

        pieces "steve smith", words "Steve Smith's" -> "Steve Smith"
    """
    tokenized = " ".join(BasicTokenizer(do_lower_case).tokenize(words))
    start = tokenized.find(pieces)
    if start < 0 or not pieces:
        return words
    place_of = [place for place, character in enumerate(words) if character != " "]
    is_letter = [character != " " for character in tokenized]
    if len(place_of) != sum(is_letter):
        return words
    end = start + len(pieces) - 1
    if not is_letter[start] or not is_letter[end]:
        return words
    first, last = sum(is_letter[:start]), sum(is_letter[:end])
    return words[place_of[first] : place_of[last] + 1]
