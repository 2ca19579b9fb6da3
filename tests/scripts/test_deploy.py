"""The deployment files: by the schemas of their tools, and against a server where one is asked."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from typing import Any

import compose_spec
import grpc
import kubernetes_validate
import numpy as np
import pytest
import tensorflow as tf
import yaml
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from tests.conftest import Signatures
from tests.exporter.preview.client import preview
from tests.scripts.deployment import DEPLOY, IMAGE, flags_of

# tensorflow/serving 2.19.1, tensorflow_serving/model_servers/main.cc, those in use here.
_FLAGS = {
    "port",
    "rest_api_port",
    "model_name",
    "model_base_path",
    "model_config_file",
    "model_config_file_poll_wait_seconds",
    "allow_version_labels_for_unavailable_models",
    "enable_batching",
    "batching_parameters_file",
    "tensorflow_inter_op_parallelism",
    "tensorflow_intra_op_parallelism",
    "rest_api_timeout_in_ms",
    "file_system_poll_wait_seconds",
    "monitoring_config_file",
}


def test_compose_schema() -> None:
    parsed = compose_spec.PyCompose.from_yaml((DEPLOY / "docker-compose.yml").read_text())
    parsed.validate()
    assert list(parsed.service_names()) == ["serving"]


@pytest.mark.parametrize("kind", ["Deployment", "Service"])
@pytest.mark.parametrize("version", ["1.25", "1.33"])
def test_kubernetes_schema(resources: dict[str, Any], kind: str, version: str) -> None:
    kubernetes_validate.validate(resources[kind], version, strict=True)


def test_the_schemas_refuse_what_is_wrong(resources: dict[str, Any]) -> None:
    with pytest.raises(kubernetes_validate.ValidationError):
        wrong = {**resources["Service"], "spec": {"ports": [{"prot": 8500}]}}
        kubernetes_validate.validate(wrong, "1.33", strict=True)
    with pytest.raises(ValueError):
        compose_spec.PyCompose.from_yaml("services: {serving: {imaje: a}}")


def test_the_service_leads_to_the_pods(
    resources: dict[str, Any], container: dict[str, Any]
) -> None:
    service, deployment = resources["Service"]["spec"], resources["Deployment"]["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert service["selector"] == labels == deployment["selector"]["matchLabels"]
    ports = {port["name"] for port in container["ports"]}
    assert {port["targetPort"] for port in service["ports"]} == ports
    volumes = {volume["name"] for volume in deployment["template"]["spec"]["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes


def test_flags(compose: dict[str, Any], container: dict[str, Any]) -> None:
    found = flags_of(compose["command"])
    assert found == flags_of(container["args"])
    assert set(found) <= _FLAGS
    assert found["enable_batching"] == "true"
    assert {"tensorflow_inter_op_parallelism", "rest_api_timeout_in_ms"} <= set(found)
    assert compose["image"] == container["image"] == IMAGE
    readme = re.findall(r"--(\w+)", (DEPLOY / "README.md").read_text())
    ours = {"checkpoint", "export_dir", "target_serving", "version_labels", "wait", "project"}
    ours |= {"signature", "warmup_batch_size", "dir", "all", "raw"}
    assert set(readme) <= _FLAGS | ours


def test_probes_ask_for_the_status(tiny_export: Path, container: dict[str, Any]) -> None:
    name = flags_of(container["args"])["model_name"]
    for probe in ("startupProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["path"] == f"/v1/models/{name}"
    with preview(name, tiny_export.parent) as client:
        assert client.get(container["readinessProbe"]["httpGet"]["path"]).status == 200


def test_the_health_check_of_compose(tiny_export: Path, compose: dict[str, Any]) -> None:
    """Run as it stands, but for the port: healthy with the model, not without it."""
    kind, *command = compose["healthcheck"]["test"]
    assert kind == "CMD"

    def health(model: str) -> int:
        with preview(model, tiny_export.parent) as client:
            asked = [part.replace("/8501", f"/{client.port}") for part in command]
            return subprocess.run(asked, capture_output=True, timeout=300).returncode

    assert health("sentiment") == 0
    assert health("another") != 0
    closed = [part.replace("/8501", "/1") for part in command]
    assert subprocess.run(closed, capture_output=True, timeout=300).returncode != 0


def batching_parameters() -> type[Any]:
    """tensorflow.serving.BatchingParameters, which tensorflow-serving-api does not have.

    Field numbers: tensorflow_serving/servables/tensorflow/session_bundle_config.proto.
    """
    wrapped = descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE
    file = descriptor_pb2.FileDescriptorProto(
        name="batching_parameters.proto",
        package="tests.deploy",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    message = file.message_type.add(name="BatchingParameters")
    for number, name in enumerate(
        ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads"), 1
    ):
        kind = ".google.protobuf.Int64Value"
        message.field.add(name=name, number=number, label=1, type=wrapped, type_name=kind)
    message.field.add(name="allowed_batch_sizes", number=6, label=3, type=3)
    message.field.add(name="pad_variable_length_inputs", number=7, label=1, type=8)
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    found = pool.FindMessageTypeByName("tests.deploy.BatchingParameters")
    return message_factory.GetMessageClass(found)


def test_batching_parameters() -> None:
    parameters = batching_parameters()()
    text_format.Parse((DEPLOY / "batching_parameters.txt").read_text(), parameters)
    assert 8 <= parameters.max_batch_size.value <= 32
    assert parameters.batch_timeout_micros.value == 0
    assert parameters.num_batch_threads.value == 2
    assert not parameters.pad_variable_length_inputs
    sizes = list(parameters.allowed_batch_sizes)
    assert not sizes or sizes[-1] == parameters.max_batch_size.value
    with pytest.raises(text_format.ParseError):
        text_format.Parse("max_batch_size: 32", batching_parameters()())


def test_the_canary(compose: dict[str, Any]) -> None:
    server = ModelServerConfig()
    text_format.Parse((DEPLOY / "models.config").read_text(), server)
    (model,) = server.model_config_list.config
    flags = flags_of(compose["command"])
    assert (model.name, model.base_path) == (flags["model_name"], flags["model_base_path"])
    assert model.model_platform == "tensorflow"
    assert dict(model.version_labels) == {"stable": 1, "canary": 2}
    loaded = set(model.model_version_policy.specific.versions)
    assert set(model.version_labels.values()) <= loaded


class _PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers Predict with the signatures of an export."""

    def __init__(self, signatures: Signatures) -> None:
        self._signatures = signatures
        self.names: list[str] = []

    def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.ServicerContext
    ) -> predict_pb2.PredictResponse:
        self.names.append(request.model_spec.name)
        signature = self._signatures[request.model_spec.signature_name or "serving_default"]
        inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        outputs = signature(**{name: tf.constant(value) for name, value in inputs.items()})
        response = predict_pb2.PredictResponse()
        for name, value in outputs.items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(value.numpy()))
        return response


@contextlib.contextmanager
def grpc_server(service: _PredictionService) -> Iterator[str]:
    server = grpc.server(futures.ThreadPoolExecutor(1))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(None).wait()


def test_grpc_client(signatures: Signatures) -> None:
    texts = ["the film is good", "nicht übel, 漢字"]
    service = _PredictionService(signatures)
    with grpc_server(service) as address:
        client = [sys.executable, str(DEPLOY / "grpc_client.py"), address, "sentiment", *texts]
        found = subprocess.run(client, capture_output=True, text=True, timeout=120)
    assert found.returncode == 0, found.stderr
    assert service.names == ["sentiment"]
    name, _, values = found.stdout.strip().partition(" ")
    assert name == "probabilities"
    expected = signatures["text"](text=tf.constant(texts))["probabilities"].numpy()
    np.testing.assert_allclose(yaml.safe_load(values), expected, atol=1e-6)
