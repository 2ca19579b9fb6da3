"""The reported faults of safety, N-...: what was written, printed, kept running or left behind."""

import gzip
import http.client
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.programs.reported_cases.running import Case, Wrong
from tests.repository import ROOT

_NOISE = re.compile(r"oneDNN|cuda|computation_placer|cpu_feature_guard|absl::InitializeLog")


def _python(case: Case, code: str) -> subprocess.CompletedProcess[str]:
    return case.outcome(sys.executable, "-c", code)


def _tiny(case: Case) -> Path:
    return case.cases / "tiny"


def _changed(case: Case, old: str, new: str) -> Path:
    """The tiny model with one thing in its config.json changed."""
    model = case.scratch / "model"
    subprocess.run(["cp", "-r", _tiny(case), model], check=True)
    text = (model / "config.json").read_text()
    if old not in text:
        raise Wrong(f"{old!r} is not in the case's config.json")
    (model / "config.json").write_text(text.replace(old, new))
    return model


def _quiet_interface(case: Case) -> str:
    code = f"from exporter import export; print(repr(export({str(_tiny(case))!r}, 'out')))"
    result = _python(case, code)
    if result.returncode or _NOISE.search(result.stderr):
        raise Wrong(result.stderr[-300:])
    if len(result.stdout) > 1000:
        raise Wrong(f"the repr has {len(result.stdout)} characters")
    return f"a repr of {len(result.stdout.strip())} characters, nothing on standard error"


def _other_package(case: Case) -> str:
    package = case.scratch / "site" / "bert"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    metadata = case.scratch / "site" / "bert_for_tf2-0.14.9.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: bert-for-tf2\nVersion: 0.14.9\n"
    )
    path = f"{case.scratch / 'site'}:{ROOT}"
    command = (sys.executable, "-m", "exporter", "--checkpoint=x", "--export_dir=y")
    told = case.outcome(*command, environment={"PYTHONPATH": path}).stderr
    if "bert-for-tf2 0.14.9" not in told or "Traceback" in told:
        raise Wrong(told[-300:])
    return "named"


def _endless_loop(case: Case) -> str:
    return _audited(case, "N-check-no-timeout", "has no answer within")


def _written_file(case: Case) -> str:
    told = _audited(case, "N-check-writes-files", "WriteFile")
    if (case.scratch / "PWNED").exists():
        raise Wrong("the check wrote the file")
    case.refused(case.scratch / "m" / "1", "features of BERT")
    return told


def _audited(case: Case, folder: str, told: str) -> str:
    """Makes the case's SavedModel by the program in its script, and audits it."""
    script = (case.cases / folder / "repro.sh").read_text()
    program = script.split("<<'P'\n")[1].split("\nP\n")[0]
    case.run(sys.executable, "-c", program)
    start = time.monotonic()
    result = case.outcome(sys.executable, "-m", "exporter.check", "m", "--timeout=60")
    if result.returncode != 1 or told not in result.stdout + result.stderr:
        raise Wrong(f"exit code {result.returncode}: {result.stdout[-300:]}{result.stderr[-300:]}")
    return f"a verdict after {time.monotonic() - start:.0f} s, which says {told!r}"


def _not_a_number(case: Case) -> str:
    case.refused(
        _changed(case, '"layer_norm_eps": 1e-12', '"layer_norm_eps": NaN'), "layer_norm_eps"
    )
    return "refused"


def _escapes(case: Case) -> str:
    result = case.export(_changed(case, '"L0"', '"\\u001b[2J\\u001b[31mPWNED"'))
    if "\x1b" in result.stdout + result.stderr:
        raise Wrong("the label reaches the terminal as it is")
    return "no escape sequence in what is printed"


def _layers(case: Case) -> str:
    model = _changed(case, '"num_hidden_layers": 1,', '"num_hidden_layers": 20000000,')
    start = time.monotonic()
    case.refused(model, "num_hidden_layers")
    return f"refused after {time.monotonic() - start:.0f} s"


def _broken_paths(case: Case) -> str:
    model = _changed(case, '"L0"', '"L0"')
    for path in ("a\0b", "\ud800"):
        kind = "sentence_transformers.models.Transformer"
        module = {"idx": 0, "name": "0", "path": path, "type": kind}
        (model / "modules.json").write_text(json.dumps([module]))
        case.refused(model, "modules.json")
    return "both refused"


def _interrupted_preview(case: Case) -> str:
    case.exported(_tiny(case))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "exporter.preview", "--model_name=tiny"]
    command += [f"--model_base_path={case.scratch / 'out'}", f"--rest_api_port={port}"]
    body = gzip.compress(b'{"instances":[' + b'"",' * (20 << 20) + b'""]}')
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_until_available(port)
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            answered = "no answer within 5 s"
            try:
                client.request(
                    "POST", "/v1/models/tiny:predict", body, {"Content-Encoding": "gzip"}
                )
                answered = f"status {client.getresponse().status}"
            except (TimeoutError, ConnectionError):
                pass
            start = time.monotonic()
            server.send_signal(signal.SIGINT)
            try:
                server.wait(timeout=30)
            except subprocess.TimeoutExpired as error:
                raise Wrong("alive 30 s after SIGINT") from error
        finally:
            server.kill()
    return f"{answered}; gone {time.monotonic() - start:.1f} s after SIGINT"


def _wait_until_available(port: int) -> None:
    for _ in range(600):
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            client.request("GET", "/v1/models/tiny")
            if b"AVAILABLE" in client.getresponse().read():
                return
        except OSError:
            pass
        time.sleep(0.2)
    raise Wrong("the preview does not load the model")


def _constraints(case: Case) -> str:
    test = "tests/test_constraints.py"
    case.run(sys.executable, "-m", "pytest", "-q", "--full", f"--rootdir={ROOT}", str(ROOT / test))
    return "pip finds a set of packages for each Python"


def _archive(case: Case) -> str:
    """With a Python whose tarfile has no filter, or this one's taken away."""
    subprocess.run(
        "mkdir 1 && touch 1/saved_model.pb && tar czf m.tar.gz 1",
        shell=True,
        check=True,
        cwd=case.scratch,
    )
    code = (
        "import sys, tarfile; del tarfile.data_filter; from exporter.__main__ import run;"
        "sys.argv = ['exporter', '--checkpoint=m.tar.gz', '--export_dir=out']; sys.exit(run())"
    )
    result = _python(case, code)
    if result.returncode != 1 or "Traceback" in result.stderr:
        raise Wrong(result.stderr[-300:])
    return "one sentence"


def _newest_version(case: Case) -> str:
    (case.scratch / "out" / "20261126171142").mkdir(parents=True)
    case.exported(_tiny(case))
    newest = max(int(path.name) for path in (case.scratch / "out").iterdir() if path.name.isdigit())
    if newest != 20261126171143:
        raise Wrong(f"the newest version is {newest}")
    return "the new version is the newest"


SAFETY: Mapping[str, Callable[[Case], str]] = {
    "N-api-noise": _quiet_interface,
    "N-bert-for-tf2": _other_package,
    "N-check-no-timeout": _endless_loop,
    "N-check-writes-files": _written_file,
    "N-eps-nan": _not_a_number,
    "N-label-escape": _escapes,
    "N-layers-oom": _layers,
    "N-modules-nul": _broken_paths,
    "N-preview-sigint": _interrupted_preview,
    "N-py310-constraints": _constraints,
    "N-report-repr": _quiet_interface,
    "N-tar-filter": _archive,
    "N-version-below-newest": _newest_version,
}
