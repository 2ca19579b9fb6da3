"""The numbers of TensorFlow and TensorFlow Serving releases."""

Release = tuple[int, ...]


def parse_release(text: str) -> Release:
    """`2.12` or `2.12.0` -> (2, 12, 0).

    Raises:
      ValueError: `text` is not a release.
    """
    numbers = [int(part) for part in text.split(".")]
    if not 2 <= len(numbers) <= 3 or any(number < 0 for number in numbers):
        raise ValueError(f"{text!r} is not a release such as 2.12.0")
    return (*numbers, 0)[:3]


def format_release(release: Release) -> str:
    """(2, 12, 0) -> `2.12.0`."""
    return ".".join(map(str, release))
