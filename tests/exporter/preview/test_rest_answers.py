"""Every recorded answer of TF Serving 2.19.1's REST code, against the preview.

And against TensorFlow Serving, where this machine has it.
"""

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.exporter.preview.client import Client
from tests.exporter.preview.conftest import CLF_LABELS
from tests.exporter.preview.model_server import PREVIEW, SERVERS, serving

ROWS = json.loads((Path(__file__).parent / "rest_answers_2.19.1.json").read_text("utf-8"))["rows"]
# The recorded model takes texts of any rank; ours guards it, as our exports do.
GUARDED = {
    "inputs scalar",
    "inputs dict scalar",
    "nested 1x2",
    "nested 2x1",
    "nested named",
    "inputs nested",
}
# The server wrote what is not JSON: bytes that are not UTF-8, NaN, Infinity.
NOT_JSON = {
    "two outputs invalid utf8",
    "two outputs inputs invalid utf8",
    "one invalid utf8 out",
    "nonfinite",
    "nonfinite inputs",
}
# The preview has its page there.
PAGE = {"root"}
# The record holds only the beginning of this body and of its answer.
BIG_BATCH = 3000


class Servers(NamedTuple):
    """A server of each recorded model, by the server's name."""

    name: str
    clf: Client
    alias: Client


def shape(value: object) -> object:
    """Returns keys, nesting, lengths and the types of the leaves."""
    if isinstance(value, dict):
        return {key: shape(member) for key, member in value.items()}
    if isinstance(value, list):
        return [shape(element) for element in value]
    return type(value).__name__


@pytest.fixture(scope="module", params=SERVERS)
def servers(
    request: pytest.FixtureRequest, classifier: Path, odd_outputs: Path
) -> Iterator[Servers]:
    """The models of the record, served by the preview or by TensorFlow Serving."""
    with (
        serving(request.param, "clf", classifier.parent, CLF_LABELS) as clf,
        serving(request.param, "alias", odd_outputs.parent) as alias,
    ):
        yield Servers(request.param, clf, alias)


@pytest.mark.parametrize("row", ROWS, ids=[f"{i}-{row['case']}" for i, row in enumerate(ROWS)])
def test_recorded_answer(row: dict[str, Any], servers: Servers) -> None:
    client = servers.alias if "/alias" in row["path"] else servers.clf
    body = row["body"]
    if row["case"].startswith("big batch"):
        body = json.dumps({"instances": ["great"] * BIG_BATCH})
    data = ast.literal_eval(body) if body.startswith("b'") else body.encode("utf-8")
    # The one recorded POST with an empty body is given as a bytes literal.
    method = row.get("method") or ("POST" if body else "GET")

    answer = client.request(method, row["path"], data)

    if row["case"] in PAGE and servers.name == PREVIEW:
        assert (answer.status, answer.content_type) == (200, "text/html; charset=utf-8")
    elif row["case"] in GUARDED:
        assert answer.status == 400
        assert shape(answer.json()) == {"error": "str"}
    elif row["case"] in NOT_JSON and servers.name == PREVIEW:
        assert answer.status == 500
        assert shape(answer.json()) == {"error": "str"}
    elif row["case"] in NOT_JSON:
        assert answer.status == row["status"]
    elif row["answer"].startswith("<HTML>"):
        assert answer.status == row["status"]
        assert answer.content_type.startswith("text/html")
    else:
        assert answer.status == row["status"], answer.body
        assert answer.content_type == "application/json"
        if row["case"].startswith("big batch"):
            assert shape(answer.json()) == {"predictions": [["float"] * 3] * BIG_BATCH}
        else:
            assert shape(answer.json()) == shape(json.loads(row["answer"]))
        if row["case"].startswith("status v1") or row["case"] == "status":
            assert answer.json() == json.loads(row["answer"])


ODD_ROWS = [
    row
    for row in ROWS
    if "/alias" in row["path"] and row["status"] == 200 and row["case"] not in NOT_JSON
]


@pytest.mark.parametrize("row", ODD_ROWS, ids=lambda row: row["case"])
def test_recorded_values_of_the_odd_outputs(row: dict[str, Any], servers: Servers) -> None:
    # This model can be rebuilt from the record, so its values are compared too.
    answer = servers.alias.request("POST", row["path"], row["body"].encode("utf-8")).json()
    # White space was folded in the record, and U+2028 counted as white space.
    recorded = json.loads(row["answer"].replace("\x7f \U0001f600", "\x7f \u2028 \U0001f600"))
    assert _rounded(answer) == _rounded(recorded)


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {key: _rounded(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_rounded(element) for element in value]
    return round(value, 6) if isinstance(value, float) else value


def test_every_row_is_recorded_once() -> None:
    assert len(ROWS) == 115
    assert {row["case"] for row in ROWS} >= GUARDED | NOT_JSON | PAGE
