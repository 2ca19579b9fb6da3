import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from exporter.runtime.replay import replay_warmup
from exporter.runtime.servable import Servable
from exporter.runtime.status import Code, StatusError
from tests.exporter.preview.models import text_record, write_warmup


@pytest.fixture(scope="module")
def directory(classifier: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shutil.copytree(classifier, tmp_path_factory.mktemp("warm") / "1")


@pytest.fixture(scope="module")
def servable(directory: Path) -> Iterator[Servable]:
    servable = Servable(directory)
    yield servable
    servable.close()


def example_record(kind: str, signature: str, feature: str = "text") -> PredictionLog:
    record = PredictionLog()
    request = getattr(record, kind).request
    request.model_spec.signature_name = signature
    example = request.input.example_list.examples.add()
    example.features.feature[feature].bytes_list.value.append(b"great")
    return record


def multi_inference_record(method: str) -> PredictionLog:
    record = PredictionLog()
    request = record.multi_inference_log.request
    example = request.input.example_list.examples.add()
    example.features.feature["text"].bytes_list.value.append(b"great")
    task = request.tasks.add(method_name=f"tensorflow/serving/{method}")
    task.model_spec.signature_name = method
    return record


def test_a_model_without_records(servable: Servable, directory: Path) -> None:
    assert replay_warmup(servable, directory) == 0


def test_every_kind_of_record(servable: Servable, directory: Path) -> None:
    records = [
        text_record(b"great"),
        text_record(b"great", "serving_default"),
        example_record("classify_log", "classify"),
        example_record("regress_log", "regress"),
        multi_inference_record("classify"),
        multi_inference_record("regress"),
        PredictionLog(),
    ]
    write_warmup(directory, records)
    assert replay_warmup(servable, directory) == len(records)


def wrong_dtype() -> PredictionLog:
    record = text_record(b"a")
    record.predict_log.request.inputs["text"].CopyFrom(tf.make_tensor_proto([1.0]))
    return record


def wrong_rank() -> PredictionLog:
    record = text_record(b"a")
    record.predict_log.request.inputs["text"].CopyFrom(tf.make_tensor_proto([[b"a"]]))
    return record


def unknown_output() -> PredictionLog:
    record = text_record(b"a")
    record.predict_log.request.output_filter.append("nope")
    return record


def session_run() -> PredictionLog:
    record = PredictionLog()
    record.session_run_log.SetInParent()
    return record


@pytest.mark.parametrize(
    "record",
    [
        b"not a record",
        text_record(b"a", signature="nope"),
        text_record(b"a", name="txt"),
        wrong_dtype(),
        wrong_rank(),
        unknown_output(),
        text_record(b"not an example", signature="classify", name="inputs"),
        example_record("classify_log", ""),
        example_record("classify_log", "classify", feature="txt"),
        example_record("regress_log", "classify"),
        multi_inference_record("predict"),
        session_run(),
    ],
)
def test_a_bad_record_is_named(servable: Servable, directory: Path, record: PredictionLog) -> None:
    write_warmup(directory, [text_record(b"fine"), record])
    with pytest.raises(StatusError, match="warm-up record 1 of "):
        replay_warmup(servable, directory)


def test_no_more_than_a_thousand_records(servable: Servable, directory: Path) -> None:
    write_warmup(directory, [PredictionLog()] * 1000)
    assert replay_warmup(servable, directory) == 1000
    write_warmup(directory, [PredictionLog()] * 1001)
    with pytest.raises(StatusError, match="1000"):
        replay_warmup(servable, directory)


def test_a_file_that_is_no_tfrecord(servable: Servable, directory: Path) -> None:
    write_warmup(directory, []).write_bytes(b"some text that is not a record at all")
    with pytest.raises(StatusError) as error:
        replay_warmup(servable, directory)
    assert error.value.code is Code.DATA_LOSS
