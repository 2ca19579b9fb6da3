"""How a pipeline ends: well, or with the reason in a sentence."""

import re

import apache_beam as beam

from bert.errors import UserError
from exporter.batch.job import Job
from exporter.batch.pipeline import build


def run_to_end(job: Job, pipeline: beam.Pipeline) -> None:
    """Runs the job's steps in a pipeline.

    Raises:
      UserError: it ended with an error of the file system, the model or the memory.
    """
    build(pipeline, job)
    try:
        state = pipeline.run().wait_until_finish()
    except Exception as error:
        reason = _reason(str(error))
        if reason is None:
            raise
        raise UserError(f"The job failed, and nothing is published: {reason}.") from error
    if state not in (None, "DONE"):
        raise UserError(f"The job ended as {state}, and nothing is published.")


def _reason(message: str) -> str | None:
    """What the error of a worker says, if that is no mistake of ours."""
    for line in reversed(message.strip().splitlines()):
        match = re.match(
            r"(?:[\w.]*\.)?(OSError|\w*IOError|PermissionError|FileNotFoundError|UserError"
            r"|\w+Error: \[Errno \d+\]|MemoryError|StatusError)\b:?\s*(.*)",
            line.strip(),
        )
        if match:
            return re.sub(r" \[while running .*", "", match[2] or match[1]).rstrip(".")
    return None
