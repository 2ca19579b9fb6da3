"""Makes TensorFlow Text's ops known to the process that loads an export."""


def register_text_ops() -> None:
    """Registers the ops of tensorflow_text, so that a SavedModel that uses them loads.

    TF Serving has these ops linked in; a Python process has them only after the
    package was imported.
    """
    import tensorflow_text  # noqa: F401
