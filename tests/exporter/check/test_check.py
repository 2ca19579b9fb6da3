"""`python -m exporter.check` on SavedModels of all kinds."""

import shutil
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from bert.encoder.precision import BFLOAT16, INT8
from exporter import export
from exporter.check import audit as audit_module
from exporter.check.findings import Finding, Severity, merge_signatures
from exporter.check.limits import DEFAULT_TIMEOUT, Limits
from exporter.check.trial import try_model
from exporter.serving.graph_file import read_serving_graph
from exporter.serving.reachability import called_signatures
from tests.exporter.check.auditing import audited, kinds
from tests.exporter.check.command import run, run_here
from tests.exporter.command import assert_refused
from tests.exporter.models import third_party_models
from tests.exporter.preview.models import (
    save_odd_outputs,
    text_record,
    write_warmup,
)
from tests.tiny_model import LABELS, TinyModel


def test_our_export_is_clean(tiny_export: Path) -> None:
    report = audited(tiny_export)
    assert report.findings == ()
    assert report.passes
    assert report.oldest_release == "2.10.0"
    assert report.requests_tried > 60
    assert {"text", "features", "labels", "tokenize"} <= set(report.signatures)


@pytest.mark.parametrize("precision", [BFLOAT16, INT8])
def test_our_export_that_tries_its_processor_is_clean(
    precision: str, tiny_model: TinyModel, tmp_path: Path
) -> None:
    """A load that multiplies and reads the clock is no danger: requests are tried too."""
    report = export(
        tiny_model.prefix,
        tmp_path / "models",
        labels=LABELS,
        precision=precision,
        warmup=False,
        verify=False,
    )
    found = audited(report.version_directory)
    assert found.findings == ()
    assert found.requests_tried > 60


@pytest.mark.usefixtures("in_this_process")
def test_model_garden_preprocessing(
    tiny_model: TinyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RoundRobinTrimmer: not for 2.19, for 2.20."""
    third_party_models.save_model_garden_preprocessing(tmp_path, tiny_model.directory / "vocab.txt")
    # Both verdicts rest on the same trial.
    signatures = called_signatures(read_serving_graph(tmp_path).signature_def)
    trial = try_model(tmp_path, signatures, Limits(DEFAULT_TIMEOUT))
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
    progress = ("loading TensorFlow: ", "checking ")
    assert all(line.startswith(progress) for line in outcome.errors.splitlines())
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
