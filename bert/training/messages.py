"""What a run tells on the way, on standard error."""

import sys


def tell(message: str) -> None:
    """Prints a line at once."""
    print(message, file=sys.stderr, flush=True)
