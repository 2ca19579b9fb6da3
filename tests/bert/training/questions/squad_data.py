"""Files in the format of SQuAD."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any


def paragraph(context: str, *questions: dict[str, Any]) -> dict[str, Any]:
    return {"context": context, "qas": list(questions)}


def question(
    identity: str, text: str, *answers: tuple[str, int], is_impossible: bool | None = None
) -> dict[str, Any]:
    told: list[dict[str, Any]] = [{"text": text, "answer_start": at} for text, at in answers]
    content: dict[str, Any] = {"id": identity, "question": text, "answers": told}
    if is_impossible is not None:
        content["is_impossible"] = is_impossible
    return content


def write_squad(file: Path, paragraphs: Iterable[dict[str, Any]]) -> Path:
    content = {"version": "1.1", "data": [{"title": "one", "paragraphs": list(paragraphs)}]}
    file.write_text(json.dumps(content), encoding="utf-8")
    return file
