"""The model card of a version: what it says, and that labels are no markup."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from exporter.artefact.model_card import model_card
from exporter.contract import CARD_FILE, REPORT_FILE
from tests.tiny_model import LABELS

_CURL = "curl -d '{}' localhost:8501/v1/models/tiny:predict"


@pytest.fixture
def report(tiny_export: Path) -> dict[str, Any]:
    return json.loads((tiny_export / REPORT_FILE).read_text())


def test_a_version_has_its_card(tiny_export: Path, report: Mapping[str, Any]) -> None:
    card = (tiny_export / CARD_FILE).read_text()
    assert card.startswith("# tiny\n\nA SavedModel for TensorFlow Serving 2.10.0 and newer")
    for label in LABELS:
        assert f"`{label}`" in card
    for signature in report["signatures"]:
        assert f"- `{signature}`" in card
    assert "| tokenizer | `google_research`, uncased" in card
    assert re.search(r"control characters follow Unicode \d+\.\d+\.\d+\.", card)
    assert "A text of more than 32 tokens is cut." in card
    assert "not compared with anything" in card
    assert '"instances":["a stirring, funny film"]' in card


def test_what_was_measured(report: dict[str, Any]) -> None:
    report["verification"] = {
        "texts_with_equal_ids": 37,
        "texts_with_compared_probabilities": 16,
        "largest_probability_difference": 1.4e-6,
    }
    report["load"] = {"seconds": 21.34, "resident_megabytes": 812, "processors": 2}
    report["warmup_requests"] = 118
    card = model_card(report, "tiny", _CURL)
    assert "on 37 texts; answers within 1.4e-06 of an independent computation on 16." in card
    assert "- Loading took 21.34 s and 812 MB on 2 processors, warm-up included." in card
    assert "- 118 warm-up requests" in card
    assert _CURL in card.splitlines()


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", "`\n# title", "a|b", "](javascript:x)", "\x1b[2J"]
)
def test_names_of_a_stranger_are_no_markup(hostile: str, report: dict[str, Any]) -> None:
    plain = len(model_card(report, "tiny", _CURL).splitlines())
    report["labels"] = [hostile, *LABELS[1:]]
    report["source"] = {**report["source"], "checkpoint": hostile, "kind": hostile}
    card = model_card(report, hostile, _CURL)
    assert len(card.splitlines()) == plain
    assert "\x1b" not in card
    for line in card.splitlines():
        # Code spans end where they should; outside of them nothing is markup.
        outside = "".join(line.split("`")[::2])
        assert line.count("`") % 2 == 0 or line == "```"
        assert "<" not in outside and "](" not in outside


def test_a_model_with_windows_cuts_nothing(report: dict[str, Any]) -> None:
    report["text"] = {**report["text"], "long_text": "windows"}
    card = model_card(report, "tiny", _CURL)
    assert "A text of more than 32 tokens is read in windows that overlap." in card


def test_many_labels_are_counted(report: dict[str, Any]) -> None:
    report["labels"] = [str(number) for number in range(1000)]
    card = model_card(report, "tiny", _CURL)
    assert "99. `99`" in card and "`100`" not in card
    assert "and 900 more, in `export.json`" in card
