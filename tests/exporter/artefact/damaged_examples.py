"""Sends damaged tf.Examples to the `classify` signature, one at a time.

    python -m tests.exporter.artefact.damaged_examples VERSION_DIRECTORY COUNT

Prints how many were answered and how many refused.
"""

import random
import sys
from pathlib import Path

import tensorflow as tf

from exporter.runtime.servable import Servable
from exporter.runtime.status import Code, StatusError


def _example(*texts: bytes) -> bytes:
    example = tf.train.Example()
    example.features.feature["text"].bytes_list.value.extend(texts)
    return example.SerializeToString()


def _damaged(example: bytes, generator: random.Random) -> bytes:
    """Up to three times: a byte changed, some taken out, or some put in."""
    damaged = bytearray(example)
    for _ in range(generator.randint(0, 3)):
        place = generator.randrange(len(damaged) or 1)
        some = generator.randbytes(generator.randint(1, 3))
        kind = generator.randrange(3)
        if kind == 0:
            damaged[place : place + 1] = some[:1]
        elif kind == 1:
            del damaged[place : place + len(some)]
        else:
            damaged[place:place] = some
    return bytes(damaged)


def _main(directory: str, count: str) -> None:
    generator = random.Random(11)
    good = [_example(b"the film"), _example(b"a", b"b"), _example(b"a") * 2, _example(b"x" * 300)]
    servable = Servable(Path(directory))
    answered = refused = 0
    for _ in range(int(count)):
        try:
            servable.classify("classify", [_damaged(generator.choice(good), generator)])
            answered += 1
        except StatusError as error:
            assert error.code is Code.INVALID_ARGUMENT, error
            refused += 1
    print(answered, refused)


if __name__ == "__main__":
    _main(*sys.argv[1:])
