"""A run of the command: mistakes told early, the pipeline on its runner, and what came of it."""

import contextlib
import logging
import os
import re
import shlex
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import apache_beam as beam
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.portability.portable_runner import JobServiceHandle
from apache_beam.transforms.environments import SubprocessSDKEnvironment
from tqdm import tqdm

from bert.errors import UserError
from exporter.batch.model import Model, find_model, is_url
from exporter.batch.options import BatchOptions
from exporter.batch.output import discard, staged_output
from exporter.batch.pipeline import Job, build, summary
from exporter.batch.reading import Reading, Row, first_rows, format_of
from exporter.batch.writing import (
    Writing,
    read_summary,
    rows_covered,
    schema_of,
    write_summary,
)

_LOCAL_RUNNERS = (None, "DirectRunner", "FnApiRunner")
# So many rows tell the types of a Parquet file's columns.
_SAMPLE = 1000


def run(options: BatchOptions, beam_flags: Sequence[str]) -> Row:
    """Scores all rows; the summary.

    Raises:
      UserError: a flag is wrong, or the job failed.
    """
    pipeline_options = PipelineOptions(list(beam_flags))
    runner = pipeline_options.view_as(StandardOptions).runner
    local = runner in _LOCAL_RUNNERS
    if local:
        _check_flags(beam_flags)
    else:
        _check_reach(runner, options)
    model = find_model(options.model, options.signature)
    files = _files(options.input)
    started = time.time()
    with staged_output(options.output, options.overwrite) as directory:
        job = _job(
            options, model, files, directory, started, _threads(options, pipeline_options, local)
        )
        if local:
            # What Beam logs of an error is told in a sentence, or raised.
            logging.disable(logging.ERROR)
            with _progress(directory, options.output), _watched_workers(directory):
                _run_locally(job, pipeline_options)
        else:
            _run_on_engine(job, pipeline_options)
        try:
            result = read_summary(directory)
        except OSError:  # no file had a row, so no block was reported
            result = summary(job, [])
            write_summary(directory, result)
    return result


def _files(patterns: Sequence[str]) -> tuple[str, ...]:
    found: set[str] = set()
    for pattern in patterns:
        try:
            matches = FileSystems.match([pattern])[0].metadata_list
        except (OSError, ValueError) as error:
            raise UserError(f"--input {pattern} cannot be read ({error}).") from error
        if not matches:
            raise UserError(f"--input {pattern} matches no file: check the path.")
        found.update(metadata.path for metadata in matches)
    return tuple(sorted(found))


def _job(
    options: BatchOptions,
    model: Model,
    files: tuple[str, ...],
    directory: str,
    started: float,
    threads: int,
) -> Job:
    formats = {options.input_format or format_of(file) for file in files}
    if len(formats) > 1:
        raise UserError(
            f"--input has files of several formats ({', '.join(sorted(formats))}): give files of "
            "one format, or --input_format."
        )
    (input_format,) = formats
    columns = model.text_columns(options.text_columns)
    if input_format == "text" and len(columns) > 1:
        raise UserError(
            f"A line of text is one text, and the signature {model.signature} takes "
            f"{', '.join(columns)}: give CSV, TSV, JSON Lines or Parquet, or --input_format."
        )
    reading = Reading(
        format=input_format,
        text_columns=columns,
        id_column=options.id_column,
        columns=options.columns,
        reserved=frozenset(options.output_prefix + output.name for output in model.outputs),
        max_row_bytes=options.max_row_bytes,
        rows_per_block=options.rows_per_part,
    )
    rows = _sample(files, reading)
    output_format = options.output_format or ("parquet" if input_format == "parquet" else "jsonl")
    return Job(
        model=model,
        files=files,
        reading=reading,
        writing=Writing(
            directory=directory,
            format=output_format,
            schema=schema_of(rows) if output_format == "parquet" else None,
            prefix=options.output_prefix,
        ),
        threads=threads,
        started=started,
    )


def _sample(files: Sequence[str], reading: Reading) -> "list[Row]":
    """The first rows of a file that has good ones; of the first ten, in case some are damaged."""
    errors = []
    for file in files[:10]:
        try:
            rows = first_rows(file, reading, _SAMPLE)
        except UserError as error:
            errors.append(error)
            continue
        if len(rows):
            return rows
    if errors:
        raise errors[0]
    return []


def _threads(options: BatchOptions, pipeline_options: PipelineOptions, local: bool) -> int:
    if options.threads_per_worker or not local:
        return options.threads_per_worker
    direct = pipeline_options.view_as(DirectOptions)
    if direct.direct_running_mode != "multi_processing":
        return 0
    return max(1, len(os.sched_getaffinity(0)) // max(1, direct.direct_num_workers))


def _check_flags(beam_flags: Sequence[str]) -> None:
    """Beam passes over flags that it does not know; of a local run all are known."""
    parser = argparse_parser()
    _, unknown = parser.parse_known_args(list(beam_flags))
    if unknown:
        raise UserError(
            f"{unknown[0]} is a flag neither of this command nor of Apache Beam: see "
            "python -m exporter.batch --help."
        )


def argparse_parser() -> "beam.options.pipeline_options._BeamArgumentParser":
    """All flags that Beam has for every runner."""
    from apache_beam.options.pipeline_options import _BeamArgumentParser

    parser = _BeamArgumentParser(allow_abbrev=False)
    for group in _subclasses(PipelineOptions):
        group._add_argparse_args(parser)
    return parser


def _subclasses(group: type) -> Iterator[type]:
    for child in group.__subclasses__():
        if "_add_argparse_args" in vars(child):
            yield child
        yield from _subclasses(child)


def _check_reach(runner: str, options: BatchOptions) -> None:
    if "dataflow" not in runner.lower():
        return
    for name, value in (
        ("model", options.model),
        *(("input", value) for value in options.input),
        ("output", options.output),
    ):
        if not is_url(value):
            raise UserError(
                f"--{name} {value} is on this machine, where {runner}'s workers do not reach it: "
                "give a URL, as gs://bucket/path."
            )


def _run_locally(job: Job, options: PipelineOptions) -> None:
    """On Beam's local runner itself: DirectRunner would first look for a runner to download."""
    direct = options.view_as(DirectOptions)
    environment = None
    if direct.direct_running_mode == "multi_processing":
        environment = SubprocessSDKEnvironment.from_command_string(
            f"exec {shlex.quote(sys.executable)} -m exporter.batch.worker"
        )
        direct.direct_running_mode = "in_memory"  # else Beam puts a command of its own there
    encoded = JobServiceHandle.encode_pipeline_options(options.get_all_options())
    provision = beam_provision_api_pb2.ProvisionInfo(pipeline_options=encoded)
    runner = fn_runner.FnApiRunner(
        default_environment=environment,
        provision_info=fn_runner.ExtendedProvisionInfo(provision),
    )
    _run(job, beam.Pipeline(runner=runner, options=options))


def _run_on_engine(job: Job, options: PipelineOptions) -> None:
    try:
        pipeline = beam.Pipeline(options=options)
    except (ValueError, ImportError) as error:
        runner = options.view_as(StandardOptions).runner
        raise UserError(f"--runner {runner} cannot be had: {error}.") from error
    _run(job, pipeline)


def _run(job: Job, pipeline: beam.Pipeline) -> None:
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


@contextlib.contextmanager
def _progress(directory: str, output: str) -> Iterator[None]:
    """A line on standard error: rows of the parts that are there."""
    if is_url(directory):
        yield
        return
    stop = threading.Event()

    def show() -> None:
        with tqdm(
            desc=f"scoring to {output}", unit=" rows", unit_scale=False, mininterval=1
        ) as bar:
            while True:
                ended = stop.wait(0.5)
                with contextlib.suppress(OSError):
                    bar.update(rows_covered(os.listdir(directory)) - bar.n)
                if ended:
                    return

    thread = threading.Thread(target=show, name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def _watched_workers(directory: str) -> Iterator[None]:
    """Ends this process where a worker process died: Beam's local runner would wait for ever."""
    former = threading.excepthook

    def hook(arguments: threading.ExceptHookArgs) -> None:
        if "Worker subprocess exited" not in str(arguments.exc_value):
            former(arguments)
            return
        code = str(arguments.exc_value).rpartition(" ")[2]
        print(
            f"A worker process died ({code}), and nothing is published: run the job again, with "
            "fewer --direct_num_workers or a smaller --rows_per_part if memory is short.",
            file=sys.stderr,
            flush=True,
        )
        discard(directory)
        _end_workers()
        os._exit(1)

    threading.excepthook = hook
    try:
        yield
    finally:
        threading.excepthook = former


def _end_workers() -> None:
    """Kills the worker processes that this one started, by their parents in /proc."""
    parents = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            stat = Path("/proc", name, "stat").read_text()
            parents[int(name)] = int(stat.rpartition(")")[2].split()[1])
    ours = {os.getpid()}
    while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= more
    for pid in ours - {os.getpid()}:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
