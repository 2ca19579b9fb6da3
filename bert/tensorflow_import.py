"""Imports TensorFlow without its notes, for the commands."""

import os
import sys
import tempfile


def import_tensorflow_quietly() -> None:
    """Imports TensorFlow; what it prints meanwhile is shown only if the import fails.

    Its libraries write notes about GPU plug-ins straight to the standard error of the
    process, past every logging switch, where they would drown a command's own words.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as captured:
        os.dup2(captured.fileno(), 2)
        try:
            import tensorflow as tf

            # The first session of a process writes one more note.
            with tf.Graph().as_default(), tf.compat.v1.Session() as session:
                session.run(tf.constant(0))
        except BaseException:
            captured.seek(0)
            os.write(original, captured.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
    from absl import logging

    logging.set_verbosity(logging.ERROR)
