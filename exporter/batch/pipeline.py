"""The job as a pipeline: files, pieces, blocks, answers, parts, summary.

Every step takes one element at a time and has nothing to give at a bundle's end, and a part's name
follows from its rows: an engine may cut the work and repeat it as it likes.
"""

import os
import resource
import sys
import time
from collections.abc import Iterable, Iterator, Sequence

import apache_beam as beam
from apache_beam.ml.inference.base import RunInference

from exporter.batch.handler import NAMESPACE, BlockHandler
from exporter.batch.job import Job
from exporter.batch.reading.blocks import Block, Piece, Reading, Row
from exporter.batch.reading.splitting import blocks, pieces
from exporter.batch.writing.files import write_summary
from exporter.batch.writing.parts import Report, Scored, Writing, write


def build(pipeline: beam.Pipeline, job: Job) -> None:
    """Adds the job's steps to a pipeline."""
    _ = (
        pipeline
        | "Files" >> beam.Create(list(enumerate(job.files)))
        | "Cut" >> beam.ParDo(_Cut(job.reading))
        | "Spread" >> beam.Reshuffle()
        | "Read" >> beam.ParDo(_Read(job.reading))
        | "Score" >> RunInference(BlockHandler(job.model, job.threads))
        | "Write" >> beam.ParDo(_Write(job.writing))
        | "Together" >> beam.Map(_with_one_key)
        | "Reports" >> beam.GroupByKey()
        | "Summary" >> beam.ParDo(_Summarize(job))
    )


def summary(job: Job, reports: Iterable[Report]) -> Row:
    """What the reports of all blocks come to."""
    rows = failures = damaged_files = tokens = 0
    session_seconds = 0.0
    workers: dict[str, int] = {}
    reasons: dict[str, int] = {}
    for report in reports:
        rows += report.rows
        failures += report.failures
        damaged_files += report.damaged_files
        tokens += report.tokens
        session_seconds += report.session_seconds
        workers[report.worker] = max(workers.get(report.worker, 0), report.worker_bytes)
        for reason, count in report.reasons.items():
            reasons[reason] = reasons.get(reason, 0) + count
    seconds = time.time() - job.started
    return {
        "model": job.model.directory,
        "signature": job.model.signature,
        "files": len(job.files),
        "rows": rows,
        "failures": failures,
        "damaged_files": damaged_files,
        "reasons": dict(sorted(reasons.items(), key=lambda item: -item[1])[:20]),
        "tokens": tokens,
        "seconds": round(seconds, 1),
        "rows_per_second": round(rows / seconds, 1),
        "session_seconds": round(session_seconds, 1),
        "workers": len(workers),
        "worker_mb": round(max(workers.values(), default=0) / 1e6),
    }


def _with_one_key(report: Report) -> tuple[int, Report]:
    return 0, report


class _Cut(beam.DoFn):
    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def process(self, element: tuple[int, str]) -> Iterator[Piece]:
        yield from pieces(*element, self._reading)


class _Read(beam.DoFn):
    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._failures = beam.metrics.Metrics.counter(NAMESPACE, "failures")

    def process(self, element: Piece) -> Iterator[Block]:
        for block in blocks(element, self._reading):
            self._failures.inc(len(block.failures))
            yield block


class _Write(beam.DoFn):
    def __init__(self, writing: Writing) -> None:
        self._writing = writing
        self._failures = beam.metrics.Metrics.counter(NAMESPACE, "failures")

    def process(self, element: Scored) -> Iterator[Report]:
        report = write(element, self._writing)
        known = len(element.block.failures) + len(element.answers.failures)
        self._failures.inc(report.failures - known)
        report.worker = f"{os.uname().nodename}:{os.getpid()}"
        report.worker_bytes = _resident_bytes()
        yield report


class _Summarize(beam.DoFn):
    def __init__(self, job: Job) -> None:
        self._job = job

    def process(self, element: tuple[int, Iterable[Report]]) -> Sequence[Row]:
        result = summary(self._job, element[1])
        write_summary(self._job.writing.directory, result)
        return [result]


def _resident_bytes() -> int:
    """The most that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
