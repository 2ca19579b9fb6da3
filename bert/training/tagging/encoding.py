"""Tagged words as rows of ids, with a label for the first piece of each word."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from bert.tokenizers.google_research import FullTokenizer
from bert.tokenizers.vocabulary import CLS, SEP
from bert.training.batches import EncodedExample
from bert.training.tagging.sentences import TaggedSentence
from bert.training.token_models import IGNORED

# Of a word that has no token: it has no piece, or lies behind the length.
NO_TOKEN = -1


@dataclasses.dataclass(frozen=True)
class EncodedSentence(EncodedExample):
    """The tokens of a sentence and their labels, IGNORED where a token has none."""

    first_pieces: np.ndarray
    """int32 [W], the place of each word's first token, or NO_TOKEN"""


def encode_sentence(
    sentence: TaggedSentence,
    tokenizer: FullTokenizer,
    labels: Sequence[str],
    max_seq_length: int,
    label_all_tokens: bool = False,
) -> EncodedSentence:
    """Turns words into ids, truncated to `max_seq_length` tokens.

    The first piece of a word carries its tag, as transformers' run_ner.py has it by default. With
    `label_all_tokens` the others do too, I- in place of B-.
    """
    numbers = {label: index for index, label in enumerate(labels)}
    most = max_seq_length - 2
    pieces: list[str] = []
    label_ids = np.full(max_seq_length, IGNORED, np.int32)
    first_pieces = np.full(len(sentence.words), NO_TOKEN, np.int32)
    for index, word in enumerate(sentence.words):
        of_word = tokenizer.tokenize(word)
        # [CLS] stands before the first piece.
        place = len(pieces) + 1
        pieces += of_word
        if not of_word or place > most:
            continue
        first_pieces[index] = place
        if sentence.tags is None or sentence.tags[index] not in numbers:
            continue
        tag = sentence.tags[index]
        label_ids[place] = numbers[tag]
        if label_all_tokens:
            inside = numbers.get(f"I-{tag[2:]}" if tag.startswith("B-") else tag, numbers[tag])
            label_ids[place + 1 : min(place + len(of_word), most + 1)] = inside
    tokens = [CLS, *pieces[:most], SEP]
    ids = np.array(tokenizer.vocabulary.convert_tokens_to_ids(tokens), np.int32)
    return EncodedSentence(ids, np.zeros_like(ids), label_ids, first_pieces)


def has_label(sentence: EncodedSentence) -> bool:
    """Whether there is something to learn from it."""
    return bool(np.any(np.not_equal(sentence.label_id, IGNORED)))
