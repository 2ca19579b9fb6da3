"""Mistakes of the user's, each told in one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """A mistake that the user can mend, told in one sentence.

    The sentence names the flag or the file at fault, the value found, the value
    expected and the fix. Commands print it to standard error and exit with 1; it
    is never shown as a traceback.
    """

    @classmethod
    def of(cls, subject: str, found: str, expected: str, fix: str) -> "UserError":
        """The sentence in its usual form.

        `UserError.of("--top_k", "0", "a number from 1 to 3", "give one of these")` says
        "--top_k is 0, where a number from 1 to 3 is expected: give one of these."
        """
        return cls(f"{subject} is {found}, where {expected} is expected: {fix}.")


class Misfit(UserError):
    """A mistake told without its fix, which only a caller knows and adds with `advising`."""


@contextmanager
def advising(fix: str) -> Iterator[None]:
    """Ends the sentence of every `Misfit` that the block raises with its fix."""
    try:
        yield
    except Misfit as error:
        raise UserError(f"{error}: {fix}.") from error
