"""The one exception that stands for a mistake of the user's."""


class UserError(Exception):
    """A mistake that the user can mend, told in one sentence.

    The sentence names the flag or the file at fault, the value found, the value
    expected and the fix. Commands print it to standard error and exit with 1; it
    is never shown as a traceback.
    """
