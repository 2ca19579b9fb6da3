"""Prints what a SavedModel answers, for tests that load it in a fresh process.

python -m tests.exporter.answers VERSION_DIRECTORY TEXT...
"""

import json
import sys

import tensorflow as tf

from exporter.text.registration import register_text_ops


def _main(directory: str, texts: list[str]) -> None:
    register_text_ops()
    loaded = tf.saved_model.load(directory)
    text = tf.constant(texts)
    answers = {
        name: {
            key: value.numpy().tolist() for key, value in loaded.signatures[name](text=text).items()
        }
        for name in ("text", "serving_default", "embedding")
    }
    print(json.dumps(answers))


if __name__ == "__main__":
    _main(sys.argv[1], sys.argv[2:])
