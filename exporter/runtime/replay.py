"""The warm-up records of a SavedModel, replayed as TF Serving replays them on load."""

import time
from collections.abc import Callable
from pathlib import Path

import tensorflow as tf
from google.protobuf.message import DecodeError
from tensorflow_serving.apis.inference_pb2 import MultiInferenceRequest
from tensorflow_serving.apis.input_pb2 import Input
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from exporter.contract import CLASSIFY_METHOD, REGRESS_METHOD, WARMUP_FILE
from exporter.progress import Advance, counted, ignore
from exporter.runtime.servable import Servable
from exporter.runtime.status import Code, StatusError, invalid_argument

MAX_RECORDS = 1000


def replay_warmup(
    servable: Servable,
    directory: Path,
    advance: Advance = ignore,
    replayed: Callable[[str, float], None] = lambda signature, seconds: None,
) -> int:
    """Runs the records of `assets.extra/tf_serving_warmup_requests`.

    The file is a TFRecord of PredictionLog; a model without the file has no records. `advance` is
    told of each, `replayed` of the signature of each and how many seconds it took.

    Returns:
      The number of records.

    Raises:
      StatusError: TF Serving 2.19 would refuse the version. A record does not parse, names a
        signature, key or dtype that the model does not have, or fails when it runs; or there are
        more than 1000.
    """
    path = directory / WARMUP_FILE
    if not path.exists():
        return 0
    count = 0
    try:
        records = tf.data.TFRecordDataset(str(path))
        total = sum(1 for _ in records.take(MAX_RECORDS))
        for serialized in counted(records.as_numpy_iterator(), "warm-up request", total, advance):
            if count == MAX_RECORDS:
                raise invalid_argument(f"it holds more than {MAX_RECORDS} records")
            start = time.perf_counter()
            signature = _replay(servable, serialized)
            replayed(signature, time.perf_counter() - start)
            count += 1
    except StatusError as error:
        raise StatusError(
            error.code, f"warm-up record {count} of {path}: {error.message}"
        ) from None
    except tf.errors.OpError as error:
        raise StatusError(
            Code(error.error_code), f"{path} is not in TFRecord format: {error.message}"
        ) from None
    return count


def examples_from_input(request_input: Input) -> list[bytes]:
    """The serialized examples of a gRPC request's `input`, which warm-up records hold too.

    Raises:
      StatusError: there are none.
    """
    kind = request_input.WhichOneof("kind")
    if kind == "example_list_with_context":
        with_context = request_input.example_list_with_context
        context = with_context.context.SerializeToString()
        examples = with_context.examples
    else:
        context = b""
        examples = request_input.example_list.examples
    if not examples:
        raise invalid_argument("the request's input is empty")
    return [context + example.SerializeToString() for example in examples]


def _replay(servable: Servable, serialized: bytes) -> str:
    """Runs a record, and names its signature; "" where it has none of its own."""
    record = PredictionLog()
    try:
        record.ParseFromString(serialized)
    except DecodeError:
        raise invalid_argument("it is not a PredictionLog") from None
    kind = record.WhichOneof("log_type")
    if kind == "predict_log":
        _predict(servable, record.predict_log.request)
        return record.predict_log.request.model_spec.signature_name
    if kind == "classify_log":
        request = record.classify_log.request
        servable.classify(request.model_spec.signature_name, examples_from_input(request.input))
        return request.model_spec.signature_name
    if kind == "regress_log":
        request = record.regress_log.request
        servable.regress(request.model_spec.signature_name, examples_from_input(request.input))
        return request.model_spec.signature_name
    if kind == "multi_inference_log":
        _multi_inference(servable, record.multi_inference_log.request)
    elif kind == "session_run_log":
        raise StatusError(Code.UNIMPLEMENTED, "session_run_log cannot be used for warm-up")
    return ""


def _predict(servable: Servable, request: PredictRequest) -> None:
    inputs = {}
    for name, proto in request.inputs.items():
        try:
            inputs[name] = tf.make_ndarray(proto)
        except (ValueError, TypeError) as error:
            raise invalid_argument(f"input '{name}' is not a tensor: {error}") from None
    servable.predict(request.model_spec.signature_name, inputs, list(request.output_filter))


def _multi_inference(servable: Servable, request: MultiInferenceRequest) -> None:
    examples = examples_from_input(request.input)
    for task in request.tasks:
        if task.method_name == CLASSIFY_METHOD:
            servable.classify(task.model_spec.signature_name, examples)
        elif task.method_name == REGRESS_METHOD:
            servable.regress(task.model_spec.signature_name, examples)
        else:
            raise StatusError(Code.UNIMPLEMENTED, f"unsupported method '{task.method_name}'")
