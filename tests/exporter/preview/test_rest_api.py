import json
from pathlib import Path

import pytest

from exporter.preview.rest_api import RestApi
from exporter.preview.versions import VersionManager
from exporter.runtime.status import Code, StatusError, http_status


@pytest.mark.parametrize("code", Code)
def test_a_status_keeps_its_http_status(code: Code, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = VersionManager("clf", Path("nowhere"), {})

    def refuse(*_: object) -> None:
        raise StatusError(code, "half a character: \udcff")

    monkeypatch.setattr(manager, "status", refuse)
    answer = RestApi(manager).answer("GET", "/v1/models/clf", b"")
    assert answer.status == http_status(code)
    assert json.loads(answer.body) == {"error": "half a character: ?"}


def test_a_fault_of_the_preview_is_an_answer_too(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    manager = VersionManager("clf", Path("nowhere"), {})
    monkeypatch.setattr(manager, "status", lambda *_: 1 / 0)
    answer = RestApi(manager).answer("GET", "/v1/models/clf", b"")
    assert answer.status == 500
    assert "ZeroDivisionError" in json.loads(answer.body)["error"]
    assert "ZeroDivisionError" in caplog.text


def test_the_target_of_a_proxy() -> None:
    api = RestApi(VersionManager("clf", Path("nowhere"), {}))
    assert api.answer("GET", "http://host:8501/v1/models/clf", b"").status == 404
    assert api.answer("GET", "http://host:8501/v1/nothing", b"").status == 400
    assert api.answer("GET", "http://host:8501", b"").content_type == "text/html"
