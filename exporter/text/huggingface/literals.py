"""Literal tokens in a stream of code points, found by a trie, in graph."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from bert.tokenizers.huggingface.added_tokens import AddedToken
from bert.tokenizers.huggingface.characters import CodePointSet, HuggingFaceCharacters

# Stands in a stream where text ends or is interrupted, as every negative value does.
BORDER = -1

_CODE_POINT_BITS = 21
_NOWHERE = -1


class Spans(NamedTuple):
    """K spans of a stream, in order, not empty; none overlaps another."""

    starts: tf.Tensor
    """int32 [K]"""

    ends: tf.Tensor
    """int32 [K]"""

    ids: tf.Tensor
    """int32 [K], of the tokens"""

    def at(self, length: tf.Tensor) -> "SpanAtPlace":
        """The spans at each of the first L places.

        Example: spans from 1 to 3 of the token 103 and from 5 to 6 of the token 7 give at 7 places

            is_covered = [0, 1, 1, 0, 0, 1, 0]
            is_first   = [0, 1, 0, 0, 0, 1, 0]
            is_last    = [0, 0, 1, 0, 0, 1, 0]
            value      = [., -104, -104, ., ., -8, .]
        """
        places = tf.range(length)
        # With a 0 before the first span, the number of spans that have started is the place of
        # the last one of them.
        started = tf.searchsorted(self.starts, places, side="right")
        end = tf.gather(tf.concat([[0], self.ends], axis=0), started)
        start = tf.gather(tf.concat([[0], self.starts], axis=0), started)
        is_covered = places < end
        return SpanAtPlace(
            is_covered=is_covered,
            is_first=is_covered & tf.equal(places, start),
            is_last=is_covered & tf.equal(places + 1, end),
            value=-1 - tf.gather(tf.concat([[0], self.ids], axis=0), started),
        )


class SpanAtPlace(NamedTuple):
    """The span at each of L places."""

    is_covered: tf.Tensor
    """bool [L], whether there is one; elsewhere the other values mean nothing"""

    is_first: tf.Tensor
    """bool [L], whether it starts there"""

    is_last: tf.Tensor
    """bool [L], whether it ends there"""

    value: tf.Tensor
    """int32 [L], -1 - the token's id"""


class LiteralFinder(tf.Module):
    """The in-graph twin of `bert.tokenizers.huggingface.added_tokens.AddedTokenFinder`.

    Time and memory grow with the length of the stream times its logarithm, and with the
    longest pattern where the stream is made of beginnings of it.
    """

    def __init__(
        self, patterns: Mapping[str, AddedToken], characters: HuggingFaceCharacters
    ) -> None:
        """Takes the text of every token; none is empty."""
        super().__init__(name="literal_finder")
        self._tokens = list(patterns.values())
        self._word_characters = characters.word_characters
        self._strippable = characters.strippable
        edges, self._pattern_at = _trie(list(patterns))
        self._edges = np.array(sorted(edges), np.int64)
        self._targets = np.array([edges[edge] for edge in sorted(edges)], np.int32)

    def __call__(self, stream: tf.Tensor) -> Spans:
        """Finds the tokens in int32 [L], each with the white space that it takes.

        Of patterns that start at the same place the longest is taken, and the search goes
        on behind it, even where `single_word` then rejects the token.

        Example: the patterns "ab" of the token 7 and "abc" of the token 8, which is `rstrip`, are
        found in "xabc abab" at `starts = [1, 5, 7]`, `ends = [5, 7, 9]` with `ids = [8, 7, 7]`.
        """
        # Every look beyond the end sees the border.
        stream = tf.concat([stream, [BORDER]], axis=0)
        starts, ends, tokens = self._longest_matches(stream)
        chosen = _leftmost(starts, ends)
        starts, ends, tokens = (tf.boolean_mask(x, chosen) for x in (starts, ends, tokens))
        single_word = self._property("single_word")
        if any(single_word):
            # The border stands before the first code point too, by the roll.
            before, after = tf.gather(tf.roll(stream, 1, 0), starts), tf.gather(stream, ends)
            stands_alone = ~(
                is_in(self._word_characters, before) | is_in(self._word_characters, after)
            )
            kept = stands_alone | ~tf.gather(single_word, tokens)
            starts, ends, tokens = (tf.boolean_mask(x, kept) for x in (starts, ends, tokens))
        starts, ends = self._with_white_space(stream, starts, ends, tokens)
        return Spans(starts, ends, tf.gather([token.id for token in self._tokens], tokens))

    def _longest_matches(self, stream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Start, end and token of the longest match at every place that has one."""
        is_first = self._child(tf.zeros_like(stream), stream) >= 0
        starts = tf.cast(tf.where(is_first)[:, 0], tf.int32)  # [C]
        nowhere = tf.fill(tf.shape(starts), _NOWHERE)

        def deeper(
            depth: tf.Tensor, nodes: tf.Tensor, ends: tf.Tensor, tokens: tf.Tensor
        ) -> tuple[tf.Tensor, ...]:
            places = tf.minimum(starts + depth, tf.size(stream) - 1)
            nodes = self._child(nodes, tf.gather(stream, places))
            # Nowhere has no pattern, but a gather needs a node.
            found = tf.gather(self._pattern_at, tf.maximum(nodes, 0))
            is_end = (nodes >= 0) & (found >= 0)
            ends = tf.where(is_end, starts + depth + 1, ends)
            return depth + 1, nodes, ends, tf.where(is_end, found, tokens)

        _, _, ends, tokens = tf.while_loop(
            lambda depth, nodes, ends, tokens: tf.reduce_any(nodes >= 0),
            deeper,
            (tf.constant(0), tf.zeros_like(starts), nowhere, nowhere),
        )
        matched = tokens >= 0
        return tuple(tf.boolean_mask(x, matched) for x in (starts, ends, tokens))

    def _child(self, nodes: tf.Tensor, code_points: tf.Tensor) -> tf.Tensor:
        """The node to which a code point leads, or nowhere: int32 [C] x 2 -> int32 [C]."""
        edges = tf.bitwise.left_shift(tf.cast(nodes, tf.int64), _CODE_POINT_BITS)
        edges = tf.bitwise.bitwise_or(edges, tf.cast(code_points, tf.int64))
        found = tf.minimum(tf.searchsorted(self._edges, edges), len(self._edges) - 1)
        leads_on = tf.equal(tf.gather(self._edges, found), edges)
        # A negative node or code point makes a negative edge, which leads nowhere.
        return tf.where(leads_on, tf.gather(self._targets, found), _NOWHERE)

    def _with_white_space(
        self, stream: tf.Tensor, starts: tf.Tensor, ends: tf.Tensor, tokens: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Widens the spans of tokens with `lstrip` and `rstrip`."""
        lstrip, rstrip = self._property("lstrip"), self._property("rstrip")
        if not any(lstrip + rstrip):
            return starts, ends
        others = tf.where(~is_in(self._strippable, stream))[:, 0]  # rising; L is the last
        others = tf.cast(others, tf.int32)
        widened = tf.gather(others, tf.searchsorted(others, ends))
        ends = tf.where(tf.gather(rstrip, tokens), widened, ends)
        before = tf.gather(tf.concat([[-1], others], axis=0), tf.searchsorted(others, starts))
        # White space that the token before it takes is no longer there.
        widened = tf.maximum(before + 1, tf.concat([[0], ends], axis=0)[:-1])
        return tf.where(tf.gather(lstrip, tokens), widened, starts), ends

    def _property(self, name: str) -> list[bool]:
        return [getattr(token, name) for token in self._tokens]


def _trie(patterns: list[str]) -> tuple[dict[int, int], list[int]]:
    """The edges, `node << 21 | code point` -> node, and the pattern that ends at each node.

    Example: the patterns "ab", "ac" and "b" have the edges (0, "a") -> 1, (1, "b") -> 2,
    (1, "c") -> 3 and (0, "b") -> 4, and end at the nodes `[-1, -1, 0, 1, 2]`.
    """
    edges: dict[int, int] = {}
    pattern_at = [_NOWHERE]
    for number, pattern in enumerate(patterns):
        node = 0
        for character in pattern:
            edge = node << _CODE_POINT_BITS | ord(character)
            if edge not in edges:
                edges[edge] = len(pattern_at)
                pattern_at.append(_NOWHERE)
            node = edges[edge]
        pattern_at[node] = number
    return edges, pattern_at


def _leftmost(starts: tf.Tensor, ends: tf.Tensor) -> tf.Tensor:
    """Chooses the matches that are found when each search goes on behind the match before.

    Every match has a follower: the first match that starts behind it. The chain from the
    first match is marked by jumps that double in length.

    Example: matches from 0 to 2, 1 to 3, 2 to 4 and 4 to 5 give `[True, False, True, True]`;
    the second one overlaps the first.

    Args:
      starts: int32 [K], rising.
      ends: int32 [K].

    Returns:
      bool [K].
    """
    count = tf.size(starts)
    # The last one stands for no further match.
    following = tf.concat([tf.searchsorted(starts, ends), [count]], axis=0)  # [K + 1]
    is_met = tf.one_hot(0, count + 1, dtype=tf.int32)

    def longer_jumps(is_met: tf.Tensor, jumps: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        reached = tf.math.unsorted_segment_max(is_met, jumps, count + 1)
        return tf.maximum(is_met, reached), tf.gather(jumps, jumps)

    is_met, _ = tf.while_loop(
        lambda is_met, jumps: tf.reduce_any(jumps < count), longer_jumps, (is_met, following)
    )
    return tf.equal(is_met[:-1], 1)


def is_in(characters: CodePointSet, code_points: tf.Tensor) -> tf.Tensor:
    """Whether each code point is in the set: int32 [L] -> bool [L].

    Example: of the digits, with the borders `[48, 58]`, "7" has crossed one border and is in;
    "." has crossed none and "a" two, and both are out.
    """
    crossed = tf.searchsorted(tf.constant(characters.borders, tf.int32), code_points, side="right")
    return tf.equal(tf.bitwise.bitwise_and(crossed, 1), 1)
