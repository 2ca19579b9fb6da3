"""Warm-up records that a server would not start with."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from exporter.check.limits import DEFAULT_TIMEOUT, Limits
from exporter.check.trial import Trial, try_model
from tests.exporter.check.command import run
from tests.exporter.preview.models import (
    text_record,
    write_warmup,
)


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
    trial = try_model(directory, {}, Limits(DEFAULT_TIMEOUT))
    assert trial.warmup_records is None
    assert trial.warmup_error is not None
    assert re.search(told, trial.warmup_error)


@pytest.mark.usefixtures("in_this_process")
def test_good_warm_up_records(classifier: Path, tmp_path: Path) -> None:
    directory = shutil.copytree(classifier, tmp_path / "1")
    write_warmup(directory, [text_record(b"fine"), text_record(b"a", "serving_default")])
    assert try_model(directory, {}, Limits(DEFAULT_TIMEOUT)) == Trial(warmup_records=2)
