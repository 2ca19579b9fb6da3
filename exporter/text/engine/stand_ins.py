"""Stand-ins for characters that the ops on the way to WordPiece cannot carry.

`UnicodeEncode` turns Unicode's 66 noncharacters into U+FFFD, and the WordPiece op of
`FastWordpieceTokenizer` takes no vocabulary with a NUL. We know of no library that makes a
vocabulary with any of these; where one has them, spare characters stand in for them, so that
ids equal the reference's for every vocabulary and every byte string.
"""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from bert.errors import UserError
from bert.tokenizers.vocabulary import Vocabulary
from exporter.text.engine.code_point_table import CODE_POINTS, CodePointTable

_NUL = 0
_REPLACEMENT = 0xFFFD
NONCHARACTERS = (
    *range(0xFDD0, 0xFDF0),
    *(plane << 16 | last for plane in range(17) for last in (0xFFFE, 0xFFFF)),
)
_SURROGATES = range(0xD800, 0xE000)


def make_encodable(
    table: CodePointTable, vocabulary: Vocabulary
) -> tuple[Vocabulary, Mapping[int, int]]:
    """A vocabulary that the ops can hold, and the stand-in of each code point in it.

    Example: for google-research/bert's cased table the pieces "a" and "##" U+FFFE become "a" and
    "##" U+007F with the stand-ins {0xFFFE: 0x7F}; U+007F is spare, since the table removes it.

    Raises:
      UserError: there are no characters to spare.
    """
    trouble = {_NUL, _REPLACEMENT, *NONCHARACTERS}
    held = {ord(character) for token in vocabulary.tokens for character in token}
    if not held & trouble:
        return vocabulary, {}
    given = set(table.outputs().tolist())
    # A piece with a character that no text turns into is never found.
    tokens = [
        "" if any(ord(c) in trouble and ord(c) not in given for c in token) else token
        for token in vocabulary.tokens
    ]
    replaced = sorted((held & given & trouble) - {_REPLACEMENT})
    # Noncharacters that the vocabulary lacks must not be taken for the U+FFFD that it has.
    others = sorted(set(NONCHARACTERS) - held) if _REPLACEMENT in held & given else []
    spares = (
        code_point
        for code_point in range(ord(" ") + 1, CODE_POINTS)
        if code_point not in given | held | trouble and code_point not in _SURROGATES
    )
    stand_ins = dict(zip(replaced, spares, strict=False))
    shared = next(spares, None)
    if len(stand_ins) < len(replaced) or shared is None:
        names = ", ".join(f"U+{code_point:04X}" for code_point in replaced)
        raise UserError(
            f"--vocab_file has pieces with {names}, which TensorFlow cannot encode, and this "
            "tokenizer leaves no other characters for them: remove these pieces."
        )
    pieces = tuple(token.translate(stand_ins) for token in tokens)
    return Vocabulary(pieces), {**stand_ins, **dict.fromkeys(others, shared)}


def substitute(code_points: tf.Tensor, stand_ins: Mapping[int, int]) -> tf.Tensor:
    """Replaces code points by their stand-ins: int32 [M] -> int32 [M]."""
    if not stand_ins:
        return code_points
    replaced = np.array(sorted(stand_ins), np.int32)
    given = np.array([stand_ins[code_point] for code_point in replaced.tolist()], np.int32)
    found = tf.minimum(tf.searchsorted(replaced, code_points), len(replaced) - 1)
    is_replaced = tf.equal(tf.gather(replaced, found), code_points)
    return tf.where(is_replaced, tf.gather(given, found), code_points)
