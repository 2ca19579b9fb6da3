"""A run of the command: early checks, the pipeline on its runner, and the summary."""

import logging
import os
import time
from collections.abc import Sequence

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions

from bert.errors import UserError
from exporter.batch.beam_flags import require_known
from exporter.batch.job import make_job, matching_files
from exporter.batch.job_end import run_to_end
from exporter.batch.local_runner import local_pipeline, threads_of_worker, watched_workers
from exporter.batch.model import find_model, is_url
from exporter.batch.options import BatchOptions
from exporter.batch.output import staged_output
from exporter.batch.pipeline import summary
from exporter.batch.progress import shown_progress
from exporter.batch.reading.blocks import Row
from exporter.batch.writing.files import read_summary, write_summary

_LOCAL_RUNNERS = (None, "DirectRunner", "FnApiRunner")


def run(options: BatchOptions, beam_flags: Sequence[str]) -> Row:
    """Scores all rows; the summary.

    Raises:
      UserError: a flag is wrong, or the job failed.
    """
    location, output = os.fspath(options.model), os.fspath(options.output).rstrip("/") or "/"
    pipeline_options = PipelineOptions(list(beam_flags))
    runner = pipeline_options.view_as(StandardOptions).runner
    local = runner in _LOCAL_RUNNERS
    require_known(beam_flags, all_known=local)
    if not local:
        _require_reach(runner, options)
    model = find_model(location, options.signature)
    files = matching_files(options.input)
    started = time.time()
    with staged_output(output, options.overwrite) as directory:
        threads = options.threads_per_worker
        if local and not threads:
            threads = threads_of_worker(pipeline_options)
        job = make_job(options, model, files, directory, started, threads)
        if local:
            # An error that Beam logs is also reported in a sentence, or raised.
            logging.disable(logging.ERROR)
            with shown_progress(directory, output), watched_workers(directory):
                run_to_end(job, local_pipeline(pipeline_options))
        else:
            run_to_end(job, _engine_pipeline(pipeline_options))
        try:
            result = read_summary(directory)
        except OSError:  # no file had a row, so no block was reported
            result = summary(job, [])
            write_summary(directory, result)
    return result


def _require_reach(runner: str, options: BatchOptions) -> None:
    if "dataflow" not in runner.lower():
        return
    for name, value in (
        ("model", os.fspath(options.model)),
        *(("input", value) for value in options.input),
        ("output", os.fspath(options.output)),
    ):
        if not is_url(value):
            raise UserError(
                f"--{name} {value} is on this machine, where {runner}'s workers do not reach it: "
                "give a URL, as gs://bucket/path."
            )


def _engine_pipeline(options: PipelineOptions) -> beam.Pipeline:
    try:
        return beam.Pipeline(options=options)
    except (ValueError, ImportError) as error:
        runner = options.view_as(StandardOptions).runner
        raise UserError(f"--runner {runner} cannot be had: {error}.") from error
