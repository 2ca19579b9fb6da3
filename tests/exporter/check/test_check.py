"""`python -m exporter.check` on SavedModels of all kinds."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from absl import flags
from google.protobuf import text_format
from tensorflow.core.protobuf.meta_graph_pb2 import SignatureDef
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from exporter.check import audit as audit_module
from exporter.check import trial as trial_module
from exporter.check.__main__ import define_flags, main
from exporter.check.audit import audit
from exporter.check.findings import Audit, Finding, Severity, merge_signatures
from exporter.check.requests import requests
from exporter.check.signature_rules import signature_findings
from exporter.check.trial import Trial, run_steps, try_model
from exporter.serving.graph_file import read_serving_graph
from exporter.serving.op_tables import OpTables
from exporter.serving.reachability import called_signatures
from exporter.serving.release import parse_release
from tests.exporter.command import Outcome, assert_refused
from tests.exporter.models import third_party_models
from tests.exporter.preview.models import (
    save_classifier,
    save_odd_outputs,
    text_record,
    write_warmup,
)
from tests.repository import ROOT
from tests.tiny_model import TinyModel


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model whose input has a guard; copy it before changing anything in it."""
    return save_classifier(tmp_path_factory.mktemp("classifier") / "1")


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spares the process of its own where no request is deadly."""

    def run_process(directory: Path, progress: Path, steps: Sequence[int]) -> None:
        run_steps(str(directory), str(progress), json.dumps(steps))

    monkeypatch.setattr(trial_module, "_run_process", run_process)


def audited(directory: Path, target: str = "2.12.0") -> Audit:
    return audit(directory, parse_release(target), OpTables())


def kinds(report: Audit) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(f.severity.value, f.kind, f.signatures) for f in report.findings}


def run(*arguments: str) -> Outcome:
    """The command, in a process of its own."""
    result = subprocess.run(
        [sys.executable, "-m", "exporter.check", *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=300,
    )
    return Outcome(result.returncode, result.stdout, result.stderr)


def run_here(capture: pytest.CaptureFixture[str], *arguments: str) -> Outcome:
    """The command in this process, for what is told before the model is loaded."""
    values = flags.FlagValues()
    define_flags(values)
    capture.readouterr()
    code = main(values(["check", *arguments]), values)
    captured = capture.readouterr()
    return Outcome(code, captured.out, captured.err)


def test_our_export_is_clean(tiny_export: Path) -> None:
    report = audited(tiny_export)
    assert report.findings == ()
    assert report.passes
    assert report.oldest_release == "2.10.0"
    assert report.requests_tried > 60
    assert {"text", "features", "labels", "tokenize"} <= set(report.signatures)


@pytest.mark.usefixtures("in_this_process")
def test_model_garden_preprocessing(
    tiny_model: TinyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RoundRobinTrimmer: not for 2.19, for 2.20."""
    third_party_models.save_model_garden_preprocessing(tmp_path, tiny_model.directory / "vocab.txt")
    # Both verdicts rest on the same trial.
    trial = try_model(tmp_path, called_signatures(read_serving_graph(tmp_path).signature_def))
    monkeypatch.setattr(audit_module, "try_model", lambda *_: trial)
    refused = audited(tmp_path, "2.19")
    assert not refused.passes
    assert refused.oldest_release == "2.20.0"
    (blocker,) = [f for f in refused.findings if f.severity is Severity.BLOCKER]
    assert (blocker.op, blocker.first_release) == ("TFText>RoundRobinTrim", "2.20.0")
    assert blocker.signatures == ("serving_default",)
    assert "2.19.1" in blocker.message

    admitted = audited(tmp_path, "2.20")
    assert admitted.passes
    # BertTokenizer answers [["a", "b"]] with two rows: wrong, and no danger.
    assert kinds(admitted) == {("warning", "wrong_shape_answered", ("serving_default",))}
    assert '[["a", "b"]]' in admitted.findings[0].message


def test_fast_bert_without_a_guard(tmp_path: Path) -> None:
    """Its op dies of a scalar, and the server with it: by a request, or by a warm-up record."""
    base_path = tmp_path / "fast_bert"
    (base_path / "9").mkdir(parents=True)
    version = third_party_models.save_fast_bert(base_path / "10", guarded=False)
    record = text_record(b"a", name="sentences")
    record.predict_log.request.inputs["sentences"].CopyFrom(tf.make_tensor_proto(b"a"))
    write_warmup(version, [record])
    outcome = run(str(base_path))
    assert outcome.code == 1
    assert outcome.errors == ""
    path, verdict, *_ = outcome.output.splitlines()
    assert path == str(version)
    assert verdict.endswith("FAILS for TensorFlow Serving 2.12.0 and newer: 1 blocker, 1 hazard")
    text = " ".join(outcome.output.split())
    assert "hazard serving_default: a scalar ends the server (SIGSEGV)" in text
    assert "blocker the version fails to load" in text


def test_fast_bert_with_a_guard(tmp_path: Path) -> None:
    report = audited(third_party_models.save_fast_bert(tmp_path / "m", guarded=True))
    assert report.findings == ()
    assert report.oldest_release == "2.12.0"


@pytest.mark.usefixtures("in_this_process")
def test_outputs_that_are_no_json(tmp_path: Path) -> None:
    report = audited(save_odd_outputs(tmp_path / "m"))
    signatures: dict[str, set[str]] = {}
    for finding in report.findings:
        signatures.setdefault(finding.kind, set()).update(finding.signatures)
    assert signatures["not_utf8"] == {"serving_default", "one", "in_bytes", "pair"}
    assert signatures["not_finite"] == {"nonfin"}
    assert signatures["rest_output"] == {"fixed", "scalar"}
    assert not report.passes


def test_bad_warm_up_records(tiny_export: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(tiny_export, tmp_path / "1")
    write_warmup(directory, [text_record(b"fine"), text_record(b"a", signature="nope")])
    outcome = run(str(directory), "--json", "--target_serving", "2.19.1")
    assert outcome.code == 1
    report = json.loads(outcome.output)
    assert report["passes"] is False
    assert report["target_serving"] == "2.19.1"
    assert report["warmup_records"] is None
    (finding,) = report["findings"]
    assert (finding["severity"], finding["kind"]) == ("blocker", "warmup")
    assert "record 1 of" in finding["message"]


def with_tensor(value: Any) -> PredictionLog:
    record = text_record(b"a")
    record.predict_log.request.inputs["text"].CopyFrom(tf.make_tensor_proto(value))
    return record


_BAD_WARM_UPS: dict[str, tuple[list[PredictionLog | bytes], str]] = {
    "wrong dtype": ([text_record(b"fine"), with_tensor([1.0])], "record 1 of .* expected string"),
    "no PredictionLog": ([b"not a record"], "record 0 of .* not a PredictionLog"),
    "wrong rank": ([with_tensor([[b"a"]])], "record 0 of"),
    "unknown input": ([text_record(b"a", name="txt")], "record 0 of"),
    "fails when run": ([text_record(b"no tf.Example", "classify", "inputs")], "record 0 of"),
    "too many": ([PredictionLog()] * 1001, "more than 1000"),
}


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize("name", list(_BAD_WARM_UPS))
def test_more_bad_warm_up_records(classifier: Path, tmp_path: Path, name: str) -> None:
    records, told = _BAD_WARM_UPS[name]
    directory = shutil.copytree(classifier, tmp_path / "1")
    write_warmup(directory, records)
    trial = try_model(directory, {})
    assert trial.warmup_records is None
    assert trial.warmup_error is not None
    assert re.search(told, trial.warmup_error)


@pytest.mark.usefixtures("in_this_process")
def test_good_warm_up_records(classifier: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(classifier, tmp_path / "1")
    write_warmup(directory, [text_record(b"fine"), text_record(b"a", "serving_default")])
    assert try_model(directory, {}) == Trial(warmup_records=2)


@pytest.mark.usefixtures("in_this_process")
def test_a_model_that_does_not_load(classifier: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(classifier, tmp_path / "1")
    next((directory / "variables").glob("*.index")).unlink()
    report = audited(directory)
    assert ("blocker", "load", ()) in kinds(report)
    assert report.warmup_records is None
    assert report.requests_tried == 0


@pytest.mark.usefixtures("in_this_process")
def test_an_op_that_is_unknown_here(tmp_path: Path) -> None:
    """What cannot be tried is told, and what the graph tells by itself still counts."""
    saved_model = SavedModel()
    meta_graph = saved_model.meta_graphs.add()
    meta_graph.meta_info_def.tags.append("serve")
    graph = meta_graph.graph_def
    graph.node.add(name="text", op="OpOfTomorrow")
    graph.node.add(name="ids", op="FastBertNormalize", input=["text"])
    info = meta_graph.signature_def["text"].outputs["ids"]
    info.name, info.dtype = "ids:0", tf.int32.as_datatype_enum
    info.tensor_shape.unknown_rank = True
    (tmp_path / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    assert kinds(audited(tmp_path)) == {
        ("blocker", "op_not_available", ("text",)),
        ("warning", "not_tried", ()),
        ("warning", "not_guarded", ("text",)),
    }


def signature(text: str) -> SignatureDef:
    return text_format.Parse(text, SignatureDef())


_STRINGS = """
inputs {
  key: "inputs"
  value { name: "x:0" dtype: DT_STRING tensor_shape { dim { size: -1 } } }
}
"""
_CLASSIFY = 'method_name: "tensorflow/serving/classify"'
_REGRESS = 'method_name: "tensorflow/serving/regress"'


def output(name: str, dtype: str, *sizes: int) -> str:
    dimensions = " ".join(f"dim {{ size: {size} }}" for size in sizes)
    return (
        f'outputs {{ key: "{name}" value {{ name: "y:0" dtype: {dtype} '
        f"tensor_shape {{ {dimensions} }} }} }}"
    )


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([output("y", "DT_FLOAT", -1, 2)], []),
        ([output("y", "DT_HALF", -1)], ["'y' is float16, which REST"]),
        ([output("y", "DT_BFLOAT16", -1)], ["'y' is bfloat16, which REST"]),
        ([output("y", "DT_COMPLEX64", -1)], ["'y' is complex64, which REST"]),
        ([output("y", "DT_FLOAT")], ["'y' is a scalar"]),
        ([output("y", "DT_STRING", 2)], ["'y' has always 2 rows"]),
        ([], ["no outputs"]),
        (['outputs { key: "y" value { composite_tensor { } } }'], ["no dense tensor"]),
        ([_CLASSIFY, output("scores", "DT_FLOAT", -1, 2)], []),
        ([_CLASSIFY, output("scores", "DT_FLOAT", -1)], ["'scores' is float32 of rank 1"]),
        ([_CLASSIFY, output("scores", "DT_DOUBLE", -1, 2)], ["'scores' is float64"]),
        ([_CLASSIFY, output("logits", "DT_FLOAT", -1, 2)], ["classes and scores"]),
        ([_REGRESS, output("outputs", "DT_FLOAT", -1)], []),
        ([_REGRESS, output("outputs", "DT_FLOAT", -1, 1)], []),
        ([_REGRESS, output("outputs", "DT_FLOAT", -1, 1, 1)], ["of rank 3"]),
        ([output("outputs", "DT_FLOAT", -1)], ["--enable_signature_method_name_check"]),
        (
            [output("classes", "DT_STRING", 2)],
            ["always 2 rows", "of rank 1", "--enable_signature_method_name_check"],
        ),
    ],
)
def test_rules_for_signatures(parts: list[str], told: list[str]) -> None:
    messages = [f.message for f in signature_findings("s", signature(" ".join([_STRINGS, *parts])))]
    assert len(messages) == len(told), messages
    for part, message in zip(told, messages, strict=True):
        assert part in message


def test_classify_takes_examples() -> None:
    text = _STRINGS.replace('"inputs"', '"text"')
    parts = [text, _CLASSIFY, output("scores", "DT_FLOAT", -1, 2)]
    (finding,) = signature_findings("s", signature(" ".join(parts)))
    assert "['text']" in finding.message
    parts[0] = _STRINGS.replace("DT_STRING", "DT_FLOAT")
    (finding,) = signature_findings("s", signature(" ".join(parts)))
    assert "no string" in finding.message


def test_requests_to_a_text_signature() -> None:
    sent = list(requests("s", signature(_STRINGS)))
    assert sent[0].ordinary and not any(request.ordinary for request in sent[1:])
    shapes = {request.inputs["inputs"].shape for request in sent if request.wrong_shape}
    assert {(), (1, 0), (1, 2)} <= shapes
    assert (1,) not in shapes
    texts = [r.inputs["inputs"][0] for r in sent if r.rows == 1 and not r.wrong_shape]
    assert b"" in texts
    assert any(b"\xff" in text for text in texts)


def test_requests_to_other_signatures() -> None:
    def of(dtype: str, *sizes: int) -> list[tuple[int, ...]]:
        text = output("x", dtype, *sizes).replace("outputs", "inputs")
        sent = requests("s", signature(text))
        return [tuple(request.inputs["x"].shape) for request in sent if not request.wrong_shape]

    assert of("DT_INT32", -1, -1) == [(3, 2), (0, 2)]
    assert of("DT_INT32", 1, 128) == [(1, 128), (1, 128)]
    assert of("DT_VARIANT", -1) == []


def test_one_finding_for_several_signatures() -> None:
    def finding(severity: Severity, *names: str) -> Finding:
        return Finding(severity, "kind", f"something {severity.value}", names)

    warning, blocker = Severity.WARNING, Severity.BLOCKER
    merged = merge_signatures(
        [finding(warning, "b"), finding(blocker), finding(warning, "a"), finding(warning, "b")]
    )
    assert merged == (finding(blocker), finding(warning, "b", "a"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], ["One directory is expected"]),
        (["a", "b"], ["2 are given"]),
        (["{tmp}/nothing"], ["{tmp}/nothing", "no directory"]),
        (["{tmp}"], ["{tmp}", "versions"]),
        (["{tmp}/broken"], ["{tmp}/broken/saved_model.pb", "does not parse"]),
        (["{tmp}/base"], ["{tmp}/base/7/saved_model.pb", "cannot be read"]),
        (["{tmp}/broken", "--target_serving", "1.15"], ["--target_serving", "2.5.1"]),
        (["--json", "{tmp}/broken", "--target_serving=new"], ["--target_serving", "'new'"]),
    ],
)
def test_mistakes_of_a_user(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], told: list[str]
) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "saved_model.pb").write_bytes(b"not a graph")
    (tmp_path / "base" / "7").mkdir(parents=True)
    outcome = run_here(capfd, *(argument.format(tmp=tmp_path) for argument in arguments))
    assert_refused(outcome, *(part.format(tmp=tmp_path) for part in told))
