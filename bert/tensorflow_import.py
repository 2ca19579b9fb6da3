"""Imports TensorFlow without its notes, for the commands and for `exporter.export`."""

import contextlib
import logging as python_logging
import os
import sys
import tempfile
from collections.abc import Iterator


def import_tensorflow_quietly() -> None:
    """Imports TensorFlow; what it prints meanwhile is shown only if the import fails.

    Its libraries write notes about GPU plug-ins straight to the standard error of the
    process, past every logging switch, where they would drown a command's own words.
    """
    with _notes_held_back():
        import tensorflow as tf

        # The first session of a process writes one more note.
        with tf.Graph().as_default(), tf.compat.v1.Session() as session:
            session.run(tf.constant(0))
    from absl import logging

    logging.set_verbosity(logging.ERROR)


@contextlib.contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Imports TensorFlow quietly, and keeps its warnings from the log while the block runs.

    For a Python program, which may want them afterwards: the levels are put back.
    """
    from absl import logging

    logger = python_logging.getLogger("tensorflow")
    verbosity, level = logging.get_verbosity(), logger.level
    import_tensorflow_quietly()
    logger.setLevel(python_logging.ERROR)
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        logger.setLevel(level)


@contextlib.contextmanager
def _notes_held_back() -> Iterator[None]:
    """Holds back what is written to file descriptor 2; an error in the block brings it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            yield
        except Exception:
            captured.seek(0)
            os.write(original, captured.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
