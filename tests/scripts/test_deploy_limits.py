"""What the deployment files allow and forbid a server, and the places besides Kubernetes."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from tests.repository import ROOT
from tests.scripts.deployment import DEPLOY, IMAGE, flags_of


def test_three_times_the_longest_load_is_allowed(
    compose: dict[str, Any], container: dict[str, Any]
) -> None:
    (longest,) = re.findall(r"takes \d+ to (\d+) s to load", (ROOT / "README.md").read_text())
    probe = container["startupProbe"]
    assert probe["periodSeconds"] * probe["failureThreshold"] >= 3 * int(longest)
    healthcheck = compose["healthcheck"]
    assert int(healthcheck["start_period"].removesuffix("s")) >= 3 * int(longest)


def test_limits_from_an_export(tmp_path: Path) -> None:
    extra = tmp_path / "7" / "assets.extra"
    extra.mkdir(parents=True)
    load = {"seconds": 41.3, "resident_megabytes": 1200, "processors": 2}
    (extra / "export.json").write_text(json.dumps({"load": load}))
    command = [sys.executable, str(DEPLOY / "limits.py"), str(tmp_path / "7")]
    told = yaml.safe_load(subprocess.run(command, capture_output=True, text=True).stdout)
    probe = told["startupProbe"]
    assert 0 <= probe["periodSeconds"] * probe["failureThreshold"] - 3 * 41.3 < 2
    assert told["resources"]["limits"]["memory"] == "2400Mi"
    (extra / "export.json").write_text(json.dumps({"load": None}))
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1 and "--nowarmup" in result.stderr


def test_no_container_may_do_more_than_serve(
    compose: dict[str, Any], resources: dict[str, Any], container: dict[str, Any]
) -> None:
    assert compose["read_only"] and compose["cap_drop"] == ["ALL"]
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"]
    assert resources["Deployment"]["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"]
    mounts = [mount for mount in container["volumeMounts"] if not mount["readOnly"]]
    assert mounts == []


def monitoring_config() -> type[Any]:
    """tensorflow.serving.MonitoringConfig, which tensorflow-serving-api does not have.

    Field numbers: tensorflow_serving/config/monitoring_config.proto.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name="monitoring_config.proto", package="tests.deploy.monitoring", syntax="proto3"
    )
    prometheus = file.message_type.add(name="PrometheusConfig")
    prometheus.field.add(name="enable", number=1, label=1, type=8)
    prometheus.field.add(name="path", number=2, label=1, type=9)
    whole = file.message_type.add(name="MonitoringConfig")
    whole.field.add(
        name="prometheus_config",
        number=1,
        label=1,
        type=descriptor_pb2.FieldDescriptorProto.TYPE_MESSAGE,
        type_name=".tests.deploy.monitoring.PrometheusConfig",
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = pool.FindMessageTypeByName("tests.deploy.monitoring.MonitoringConfig")
    return message_factory.GetMessageClass(found)


def test_monitoring(compose: dict[str, Any]) -> None:
    parsed = text_format.Parse((DEPLOY / "monitoring.txt").read_text(), monitoring_config()())
    assert parsed.prometheus_config.enable
    assert parsed.prometheus_config.path in (DEPLOY / "README.md").read_text()
    mounted = [volume.split(":")[1] for volume in compose["volumes"]]
    assert flags_of(compose["command"])["monitoring_config_file"] in mounted


def test_kserve(container: dict[str, Any]) -> None:
    service = yaml.safe_load((DEPLOY / "kserve.yaml").read_text())
    assert (service["apiVersion"], service["kind"]) == (
        "serving.kserve.io/v1beta1",
        "InferenceService",
    )
    model = service["spec"]["predictor"]["model"]
    assert f"tensorflow/serving:{model['runtimeVersion']}" == IMAGE
    assert model["storageUri"].endswith("/" + service["metadata"]["name"])
    assert model["resources"] == container["resources"]
