"""Beam's local runner, with worker processes of ours and an end where one of them dies."""

import contextlib
import os
import shlex
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import grpc
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability.fn_api_runner import fn_runner
from apache_beam.runners.portability.portable_runner import JobServiceHandle
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from exporter.batch.output import discard


def local_pipeline(options: PipelineOptions) -> beam.Pipeline:
    """A pipeline on FnApiRunner itself: DirectRunner would first look for a runner to download."""
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
    return beam.Pipeline(runner=runner, options=options)


def threads_of_worker(options: PipelineOptions) -> int:
    """This machine's cores, shared among the worker processes; 0, for all, where there is one."""
    direct = options.view_as(DirectOptions)
    if direct.direct_running_mode != "multi_processing":
        return 0
    return max(1, len(os.sched_getaffinity(0)) // max(1, direct.direct_num_workers))


@contextlib.contextmanager
def watched_workers(directory: str) -> Iterator[None]:
    """Ends this process where a worker process died: Beam's local runner would wait for ever."""
    former = threading.excepthook

    def hook(arguments: threading.ExceptHookArgs) -> None:
        # Beam's threads that read from a worker fail first; the report of the dead worker follows.
        if isinstance(arguments.exc_value, grpc.RpcError):
            return
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
