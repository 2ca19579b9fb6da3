"""The page that tries a model: static files, and what they need to know of the model."""

import json
from pathlib import Path
from typing import Any

from exporter.contract import REPORT_FILE
from exporter.preview.rest_api import Answer
from exporter.preview.versions import VersionManager, version_directories
from exporter.runtime.status import StatusError

_FOLDER = Path(__file__).with_name("page")
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_MODEL = "/model.json"
# A report is some kilobytes; a stranger's file may be anything.
_MOST_REPORT_BYTES = 16 << 20

# The page shows what a stranger's model says: whatever that is, nothing but these files runs.
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Page:
    """Answers GET for `/`, its style and scripts, and `/model.json`."""

    def __init__(self, versions: VersionManager) -> None:
        self._versions = versions
        self._files = {
            "/" if file.name == "index.html" else f"/{file.name}": Answer(
                200, file.read_bytes(), f"{_TYPES[file.suffix]}; charset=utf-8"
            )
            for file in _FOLDER.iterdir()
        }

    def answer(self, path: str) -> Answer | None:
        """The answer to GET of a path; None where the path is none of the page's."""
        if path == _MODEL:
            return Answer(200, json.dumps(self._model()).encode("utf-8"))
        return self._files.get(path)

    def _model(self) -> dict[str, Any]:
        """Name and newest version of the model, and its export.json where it has one."""
        name = self._versions.model_name
        try:
            with self._versions.servable(name, None, None) as (version, _):
                report = _report(self._versions.base_path, version)
        except StatusError:
            return {"name": name, "version": None, "report": None}
        # As a text: JavaScript has no 64-bit integers.
        return {"name": name, "version": str(version), "report": report}


def _report(base_path: Path, version: int) -> object:
    """The content of export.json; None where there is none, or it is damaged."""
    try:
        file = version_directories(base_path)[version] / REPORT_FILE
        if file.stat().st_size > _MOST_REPORT_BYTES:
            return None
        report: object = json.loads(file.read_bytes())
    except (OSError, KeyError, ValueError, RecursionError):
        return None
    return report if isinstance(report, dict) else None
