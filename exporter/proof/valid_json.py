"""Refuses models that could put out what JSON has no form for.

TensorFlow Serving writes bytes that are not UTF-8, NaN and infinity as they are, so that an
answer with one of them is not JSON. Neither may be left to what a request holds.
"""

from bert.errors import UserError
from exporter.models.opened_model import OpenedModel


def require_valid_json(opened: OpenedModel) -> None:
    """Makes sure that every answer of the model can be written as JSON, whatever is asked.

    Raises:
      UserError: a label or word piece is not Unicode text, or a variable is so large that
        values can overflow.
    """
    for label in opened.model.labels:
        _require_text(label, "--labels or --label_file: the label")
    for token in opened.model.vocabulary.tokens:
        _require_text(token, "--vocab_file: the word piece")
    opened.require_finite_answers()


def _require_text(name: str, what: str) -> None:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError as error:
        raise UserError(
            f"{what} {name!r} is not Unicode text (half a surrogate pair, or bytes that are not "
            "UTF-8), and no answer could hold it: give it in UTF-8."
        ) from error
