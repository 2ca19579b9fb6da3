"""Whatever is sent to any signature of any task: the answer is strict JSON, and none is a fault.

The sample asks the tasks whose answers hold texts, 200 inputs a signature; `--full` asks all of
them, 5,000 a signature, and `-s` shows how many were answered.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from exporter import export
from exporter.contract import text_inputs
from exporter.preview.rest_api import RestApi
from exporter.preview.versions import VersionManager
from exporter.runtime.servable import Servable
from tests.bert.checkpoints.huggingface.directory import TOKENS
from tests.exporter.preview.hostile_requests import hostile_requests
from tests.task_models import TASK_MODELS

_SAMPLE, _FULL = 200, 5000
_SAMPLED = ("tagging", "question answering", "fill-mask")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in _SAMPLED else pytest.mark.full)
        for name in TASK_MODELS
    ],
)
def test_every_answer_is_strict_json(name: str, full: bool, tmp_path: Path) -> None:
    model = TASK_MODELS[name]
    options: dict[str, Any] = {"version": 1, "warmup": False, "verify": False, **model.options}
    report = export(model.write(tmp_path / "model"), tmp_path / "served", **options)
    texts = text_inputs(report.model.task, report.text_pair)
    manager = VersionManager("served", tmp_path / "served", {})
    manager.refresh()
    api = RestApi(manager)
    signatures = Servable(report.version_directory).signatures
    # The first is another name of the second.
    for seed, signature in enumerate(report.signatures[1:]):
        inputs = answered = refused = 0
        for request in hostile_requests(
            signature,
            signatures[signature],
            texts,
            _FULL if full else _SAMPLE,
            len(TOKENS),
            seed,
        ):
            answer = api.answer("POST", f"/v1/models/served:{request.verb}", request.body)
            where = (signature, request.body[:300], answer.status, answer.body[:300])
            found = json.loads(answer.body.decode("utf-8"), parse_constant=_refuse)
            inputs += request.inputs
            if answer.status == 400:
                assert found.keys() == {"error"}, where
                refused += request.inputs
                continue
            assert answer.status == 200, where
            answered += request.inputs
            rows = found.get("predictions", found.get("results"))
            if request.rows is not None:
                assert len(rows) == request.rows, where
        # Nearly all texts have an answer, about half of the drawn features, and some requests are
        # no requests.
        assert inputs == (_FULL if full else _SAMPLE)
        assert refused > 0
        assert answered > inputs / 3, (signature, answered)
        print(f"{name}, {signature}: {inputs} inputs, {answered} answered, {refused} refused")
    manager.close()
