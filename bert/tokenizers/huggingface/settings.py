"""The settings of a Hugging Face BERT tokenizer."""

import dataclasses

from bert.tokenizers.vocabulary import CLS, MASK, SEP, UNK, Vocabulary

# BERT's special tokens, which are recognised inside the text too.
SPECIAL_TOKENS = (UNK, SEP, "[PAD]", CLS, MASK)


@dataclasses.dataclass(frozen=True)
class AddedToken:
    """A token that is recognised inside the text, before it is split into words."""

    content: str
    id: int

    normalized: bool = False
    """whether its normalised form is looked for in the normalised text"""

    single_word: bool = False
    """whether it must not stand next to a letter, digit or underscore"""

    lstrip: bool = False
    """whether it takes the white space before it"""

    rstrip: bool = False
    """whether it takes the white space after it"""

    is_word_piece: bool = True
    """whether WordPiece has it too and may find it in a word"""


@dataclasses.dataclass(frozen=True)
class PairForm:
    """What two texts become: `[CLS] a [SEP] b [SEP]`, or a relative of that."""

    separators: int = 1
    """how many [SEP] stand between the texts"""

    second_segment: int = 1
    """the segment id of the second text and of the [SEP] behind it"""

    def budget(self, max_seq_length: int) -> int:
        """How many tokens of both texts fit."""
        return max(0, max_seq_length - 2 - self.separators)


@dataclasses.dataclass(frozen=True)
class HuggingFaceSettings:
    """The settings of `tokenizers`' BertNormalizer, WordPiece and AddedVocabulary."""

    lowercase: bool
    strip_accents: bool
    handle_chinese_chars: bool = True
    clean_text: bool = True
    max_input_chars_per_word: int = 100
    unk_token: str = UNK
    cls_token: str = CLS
    sep_token: str = SEP
    mask_token: str = MASK
    pair_form: PairForm = PairForm()
    added_tokens: tuple[AddedToken, ...] = ()

    @classmethod
    def of_vocabulary(cls, vocabulary: Vocabulary, lowercase: bool) -> "HuggingFaceSettings":
        """The settings that BertWordPieceTokenizer gives a vocab.txt that comes alone."""
        special_tokens = [name for name in SPECIAL_TOKENS if name in vocabulary.ids]
        return cls(
            lowercase=lowercase,
            strip_accents=lowercase,
            added_tokens=tuple(AddedToken(name, vocabulary.ids[name]) for name in special_tokens),
        )

    def word_pieces(self, vocabulary: Vocabulary) -> Vocabulary:
        """WordPiece's part of the vocabulary; the other slots are empty."""
        tokens = list(vocabulary.tokens)
        for token in self.added_tokens:
            if not token.is_word_piece:
                tokens[token.id] = ""
        return Vocabulary(tuple(tokens))
