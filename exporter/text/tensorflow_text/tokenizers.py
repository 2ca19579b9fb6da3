"""TensorFlow Text's own BERT tokenizers, for models that were trained behind them.

Unlike the tokenizers of the other profiles, these depend on the server, whose TensorFlow Text
brings the Unicode tables.

The steps of both: the library's ops give ids, and each piece's bytes in a normalised text;
`byte_offsets` turns these bytes into characters of the text.
"""

from importlib.metadata import version

import tensorflow as tf

from bert.encoder.packed_tokens import row_of_each_value
from bert.errors import UserError
from bert.model import TENSORFLOW_TEXT, TENSORFLOW_TEXT_FAST, TextModel
from bert.tokenizers.vocabulary import CLS, SEP, UNK, Vocabulary
from exporter.text.engine.wordpiece import FastWordPiece
from exporter.text.packing import keep_longer_shortened
from exporter.text.tensorflow_text.byte_offsets import characters_of_bytes, decode, lengths_alone
from exporter.text.tokens import TokenIds, Tokens

# BasicTokenizer and FastBertNormalizer replace each by a space.
_CONTROL_CHARACTERS = r"\p{Cc}|\p{Cf}"
# FastBertTokenizer uses FastWordpieceTokenizer's default.
_FAST_MAX_BYTES_PER_WORD = 100


class BertTokenizer(tf.Module):
    """`tensorflow_text.BertTokenizer`, with characters instead of its offsets."""

    def __init__(self, vocabulary: Vocabulary, do_lower_case: bool) -> None:
        """Reads the vocabulary as the original does."""
        super().__init__(name="bert_tokenizer")
        self._do_lower_case = do_lower_case
        self._tokenizer = _bert_tokenizer(vocabulary, do_lower_case)

    def tokenize(self, text: tf.Tensor) -> TokenIds:
        """Tokenizes string [B], any bytes."""
        ids = self._tokenizer.tokenize(text).merge_dims(-2, -1)
        return TokenIds(tf.cast(ids.values, tf.int32), tf.cast(ids.row_splits, tf.int32))

    def tokenize_with_offsets(self, text: tf.Tensor) -> Tokens:
        """The same, with the characters of each piece."""
        # The two parts of BertTokenizer.tokenize_with_offsets, which adds up the offsets of words
        # and of pieces by broadcasting: that pads every row to the longest, 11 GB for a row of
        # a megabyte among 5,000.
        words, word_starts, _ = self._tokenizer._basic_tokenizer.tokenize_with_offsets(text)
        pieces = self._tokenizer._wordpiece_tokenizer.tokenize_with_offsets(words)
        ids, starts, ends = (ragged.merge_dims(-2, -1) for ragged in pieces)
        words_of_pieces = row_of_each_value(pieces[0].values.row_splits)
        shifts = tf.cast(tf.gather(word_starts.values, words_of_pieces), tf.int64)
        starts, ends = (
            ragged.with_values(tf.cast(ragged.values, tf.int64) + shifts)
            for ragged in (starts, ends)
        )
        row_splits = tf.cast(ids.row_splits, tf.int32)
        characters = decode(text)
        if self._do_lower_case:
            lengths = lengths_alone(characters.code_points, _fold)
        else:
            is_one_byte = tf.equal(lengths_alone(characters.code_points, _blank), 1)
            lengths = tf.where(is_one_byte, tf.constant(1, tf.int64), characters.byte_lengths)
        return Tokens(
            tf.cast(ids.values, tf.int32),
            row_splits,
            *characters_of_bytes(characters, lengths, row_splits, starts.values, ends.values - 1),
        )


class FastBertTokenizer(tf.Module):
    """`tensorflow_text.FastBertTokenizer`, with characters instead of its offsets."""

    def __init__(self, vocabulary: Vocabulary, do_lower_case: bool) -> None:
        """Reads the vocabulary as the original does.

        Raises:
          UserError: the library refuses the vocabulary.
        """
        import tensorflow_text

        super().__init__(name="fast_bert_tokenizer")
        # The two parts of FastBertTokenizer, which does not report a token's last byte.
        self._normalizer = tensorflow_text.FastBertNormalizer(do_lower_case)
        try:
            self._word_pieces = FastWordPiece(
                vocabulary.reachable_tokens, UNK, _FAST_MAX_BYTES_PER_WORD, splits_text=True
            )
        except RuntimeError as error:
            raise UserError(
                f"--tokenizer is {TENSORFLOW_TEXT_FAST}, but FastBertTokenizer does not take the "
                f"vocabulary ({error}): give --tokenizer={TENSORFLOW_TEXT}."
            ) from error

    def tokenize(self, text: tf.Tensor) -> TokenIds:
        """Tokenizes string [B], any bytes."""
        ids, _, _ = self._word_pieces.tokenize_with_offsets(self._normalizer.normalize(text))
        return TokenIds(ids.values, tf.cast(ids.row_splits, tf.int32))

    def tokenize_with_offsets(self, text: tf.Tensor) -> Tokens:
        """The same, with the characters of each piece."""
        ids, row_splits = self.tokenize(text)
        normalized, byte_map = self._normalizer.normalize_with_offsets(text)
        _, starts, ends = self._word_pieces.tokenize_with_offsets(normalized)
        # Where in the text each byte of the normalised text comes from.
        rows = row_of_each_value(row_splits)  # value_rowids() pads every row to the longest
        row_starts = tf.gather(byte_map.row_starts(), rows)
        firsts = tf.gather(byte_map.values, row_starts + tf.cast(starts.values, tf.int64))
        lasts = tf.gather(byte_map.values, row_starts + tf.cast(ends.values, tf.int64) - 1)
        characters = decode(text)
        return Tokens(
            ids,
            row_splits,
            *characters_of_bytes(
                characters,
                characters.byte_lengths,
                row_splits,
                tf.cast(firsts, tf.int64),
                tf.cast(lasts, tf.int64),
            ),
        )


class StockReference:
    """The stock tokenizer and trimmer, run eagerly."""

    def __init__(self, model: TextModel) -> None:
        """Takes the tokenizer that the model names."""
        import tensorflow_text

        self._vocabulary = model.vocabulary
        if model.tokenizer == TENSORFLOW_TEXT_FAST:
            self._tokenizer = tensorflow_text.FastBertTokenizer(
                vocab=list(model.vocabulary.reachable_tokens),
                token_out_type=tf.int64,
                unknown_token=UNK,
                lower_case_nfd_strip_accents=model.do_lower_case,
            )
        else:
            self._tokenizer = _bert_tokenizer(model.vocabulary, model.do_lower_case)

    def encode(
        self, text_a: str | bytes, text_b: str | bytes | None, max_seq_length: int
    ) -> tuple[list[int], list[int]]:
        """Input ids and segment ids with [CLS] and [SEP], truncated, not padded.

        An empty second text keeps its [SEP]; None stands for a missing one.
        """
        import tensorflow_text

        texts = [text_a] if text_b is None else [text_a, text_b]
        tokenized = [self._tokenizer.tokenize([text]) for text in texts]
        rows = [
            ragged.merge_dims(1, -1) if ragged.ragged_rank > 1 else ragged for ragged in tokenized
        ]
        budget = max_seq_length - 1 - len(texts)
        trimmed = tensorflow_text.RoundRobinTrimmer(budget).trim(rows)
        cls_id, sep_id = self._vocabulary.convert_tokens_to_ids([CLS, SEP])
        ids, segment_ids = [cls_id], [0]
        for number, row in enumerate(trimmed):
            tokens = row.to_list()[0]
            ids += [*tokens, sep_id]
            segment_ids += [number] * (len(tokens) + 1)
        return ids, segment_ids


class StockProfile:
    """TensorFlow Text's preprocessing, whose ops are the same for every release of a server."""

    truncate_pair = staticmethod(keep_longer_shortened)
    keeps_empty_second_text = True

    def __init__(self, tokenizer: type[BertTokenizer] | type[FastBertTokenizer]) -> None:
        """Takes one of the two tokenizers; older servers lack the fast one."""
        self._tokenizer = tokenizer

    def build(self, model: TextModel, _word_piece_op: str) -> BertTokenizer | FastBertTokenizer:
        """The stock tokenizer in graph."""
        return self._tokenizer(model.vocabulary, model.do_lower_case)

    def build_reference(self, model: TextModel) -> StockReference:
        """The stock tokenizer, run eagerly."""
        return StockReference(model)

    def unicode_version(self) -> str:
        """The release here; a server follows its own."""
        return f"tensorflow-text {version('tensorflow-text')}, on a server its own"


def _bert_tokenizer(vocabulary: Vocabulary, do_lower_case: bool):  # type: ignore[no-untyped-def]
    import tensorflow_text

    tokens = vocabulary.reachable_tokens
    table = tf.lookup.StaticHashTable(
        tf.lookup.KeyValueTensorInitializer(list(tokens), tf.range(len(tokens), dtype=tf.int64)),
        default_value=vocabulary.ids[UNK],
    )
    return tensorflow_text.BertTokenizer(
        table,
        # Without this bound the op tries every length of a long word: quadratic time.
        max_chars_per_token=max(map(len, tokens)),
        token_out_type=tf.int64,
        unknown_token=UNK,
        lower_case=do_lower_case,
    )


def _fold(strings: tf.Tensor) -> tf.Tensor:
    """The strings after `lower_case`."""
    import tensorflow_text

    folded = tensorflow_text.normalize_utf8(tensorflow_text.case_fold_utf8(strings), "NFD")
    return _blank(tf.strings.regex_replace(folded, r"\p{Mn}", ""))


def _blank(strings: tf.Tensor) -> tf.Tensor:
    return tf.strings.regex_replace(strings, _CONTROL_CHARACTERS, " ")
