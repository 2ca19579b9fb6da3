"""The REST API of TensorFlow Serving: a method, a target and a body -> status and body."""

import dataclasses
import gzip
import inspect
import io
import json
import logging
import re
import urllib.parse
import zlib
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

from exporter.preview.examples import examples_from_json
from exporter.preview.json_document import parse_document
from exporter.preview.results import classifications_json, predictions_json, regressions_json
from exporter.preview.tensors import input_tensors
from exporter.preview.versions import VersionManager, VersionStatus
from exporter.runtime.status import Code, StatusError, http_status, invalid_argument

_FLAGS = re.IGNORECASE | re.ASCII
_CHOICE = r"(?:/versions/([0-9]+)|/labels/([^/:]+))?"
_INFERENCE = re.compile(rf"/v1/models/([^/:]+){_CHOICE}:(classify|regress|predict)", _FLAGS)
_MODEL = re.compile(rf"/v1/models(?:/([^/:]+))?{_CHOICE}(?:/(metadata))?", _FLAGS)

# Of a body, as sent and unpacked. TF Serving 2.19 takes 100 MiB unpacked; here a request must not
# keep a small machine busy, nor Python from hearing Ctrl-C.
MAX_BODY_BYTES = 16 * 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Answer:
    """An HTTP answer: its status, its body and the type of the body."""

    status: int
    body: bytes
    content_type: str = "application/json"


class RestApi:
    """Answers requests on one model, with the URLs, rules and codes of TF Serving 2.19.

    Every answer is valid JSON. TF Serving writes NaN, Infinity and bytes that are not UTF-8
    unchanged; here such an output is an error 500.
    """

    def __init__(self, versions: VersionManager) -> None:
        self._versions = versions

    def answer(self, method: str, target: str, body: bytes, content_encoding: str = "") -> Answer:
        """The answer to one request; several threads may call at once.

        Args:
          method: such as "POST".
          target: the request target as sent, a path with its query, still escaped.
          body: as sent.
          content_encoding: the value of that header.
        """
        target = _path_and_query(target)
        if not target.lower().startswith("/v1/"):
            return Answer(404, b"<html><body><h1>404 Not Found</h1></body></html>\n", "text/html")
        try:
            text = self._answer(method, target, body, content_encoding)
        except StatusError as error:
            return error_answer(http_status(error.code), error.message)
        except Exception as error:
            # This is a fault of the preview itself: the client learns of it, the server goes on.
            logging.exception("%s %s", method, target)
            return error_answer(500, f"{type(error).__name__}: {error}")
        return Answer(200, text.encode("utf-8"))

    def _answer(self, method: str, target: str, body: bytes, content_encoding: str) -> str:
        pattern = {"POST": _INFERENCE, "GET": _MODEL}.get(method)
        match = pattern.fullmatch(target) if pattern else None
        if match is None:
            raise invalid_argument(f"malformed request: {method} {target}")
        model, digits, label, verb = match.groups()
        if model is None:
            raise invalid_argument("missing model name in request")
        model = _unescaped(model)
        label = None if label is None else _unescaped(label)
        version = None if digits is None else int(digits) if len(digits) < 20 else 2**63
        if version is not None and version >= 2**63:
            raise invalid_argument(f"version {digits} is not a 64-bit integer")
        if method == "GET":
            if verb is None:
                # The server ignores the label here too.
                return _status_json(self._versions.status(model, version))
            if verb == "metadata":
                return self._metadata(model, version, label)
            raise invalid_argument(f"malformed request: {method} {target}")
        document = parse_document(_uncompressed(body, content_encoding))
        signature_name = document.get("signature_name", "")
        if not isinstance(signature_name, str):
            raise invalid_argument("'signature_name' must be a string")
        if verb == "predict":
            with self._versions.servable(model, version, label) as (_, servable):
                inputs, in_rows = input_tensors(document, servable.signature(signature_name))
                outputs = servable.predict(signature_name, inputs)
            return predictions_json(outputs, in_rows)
        if verb not in ("classify", "regress"):
            # The pattern ignores upper and lower case; the server does so for the URL only.
            raise invalid_argument(f"malformed request: {method} {target}")
        examples = examples_from_json(document)
        with self._versions.servable(model, version, label) as (_, servable):
            if verb == "classify":
                return classifications_json(servable.classify(signature_name, examples))
            return regressions_json(servable.regress(signature_name, examples))

    def _metadata(self, model: str, version: int | None, label: str | None) -> str:
        with self._versions.servable(model, version, label) as (number, servable):
            signatures = SignatureDefMap(signature_def=servable.signatures)
        metadata = {
            "model_spec": {"name": model, "signature_name": "", "version": str(number)},
            "metadata": {"signature_def": _message_fields(signatures)},
        }
        return json.dumps(metadata, indent=1)


def error_answer(status: int, message: str) -> Answer:
    """The answer with the body `{"error": message}`."""
    # A message may quote a client's text, which may end within a character.
    message = message.encode("utf-8", "replace").decode("utf-8")
    return Answer(status, (json.dumps({"error": message}) + "\n").encode("utf-8"))


def _unescaped(part: str) -> str:
    if re.search("%(?![0-9a-fA-F]{2})", part):
        raise invalid_argument(f"malformed request: {part} holds a % without two hex digits")
    return urllib.parse.unquote(part)


def _path_and_query(target: str) -> str:
    if target.startswith("/"):
        return target
    # A proxy sends targets in the form http://host/path.
    parts = urllib.parse.urlsplit(target)
    return urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, parts.fragment))


def _uncompressed(body: bytes, content_encoding: str) -> bytes:
    if "gzip" not in content_encoding:
        return body
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(body)) as file:
            content = file.read(MAX_BODY_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise invalid_argument(f"the body is not in gzip format: {error}") from None
    if len(content) > MAX_BODY_BYTES:
        raise invalid_argument(f"the body unpacks to more than {MAX_BODY_BYTES} bytes")
    return content


def _status_json(statuses: list[VersionStatus]) -> str:
    entries = [
        {
            "version": str(status.version),
            "state": status.state,
            "status": {
                "error_code": (Code.OK if status.error is None else status.error.code).name,
                "error_message": "" if status.error is None else status.error.message,
            },
        }
        for status in statuses
    ]
    return json.dumps({"model_version_status": entries}, indent=1)


def _message_fields(message: Message) -> dict[str, Any]:
    # Fields without a value are written too; protobuf 5 renamed the option for it.
    parameters = inspect.signature(json_format.MessageToDict).parameters
    name = "always_print_fields_with_no_presence"
    option = name if name in parameters else "including_default_value_fields"
    return json_format.MessageToDict(message, preserving_proto_field_name=True, **{option: True})
