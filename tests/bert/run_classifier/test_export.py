"""`--do_export`: what the exporter is given."""

from types import SimpleNamespace
from typing import Any

import pytest

import exporter
from bert.checkpoints import google_research
from bert.errors import UserError
from exporter.proof.verification import VerificationError
from tests.bert.run_classifier.command import Finished, run, settings


def test_export_gets_the_newest_checkpoint_and_its_settings(
    finished: Finished, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    calls = []

    def export(**arguments: Any) -> SimpleNamespace:
        calls.append(arguments)
        return SimpleNamespace(summary=lambda: "exported")

    monkeypatch.setattr(exporter, "export", export)
    given = [*settings(finished), "--do_export", "--export_dir=served", "--labels=bad,good"]
    assert run(*given) == 0
    (call,) = calls
    del call["stage"]
    assert call == {
        "checkpoint": finished.output_dir / "model.ckpt-10",
        "export_dir": "served",
        "bert_config_file": finished.output_dir / google_research.CONFIG_FILE,
        "vocab_file": finished.output_dir / google_research.VOCABULARY_FILE,
        "do_lower_case": True,
        "max_seq_length": 16,
        "text_pair": False,
        "labels": ("bad", "good"),
    }
    assert capfd.readouterr().out == "exported\n"

    def refuse(error: Exception) -> None:
        def export(**_: Any) -> None:
            raise error

        monkeypatch.setattr(exporter, "export", export)
        assert run(*given) == 1
        assert str(error) in capfd.readouterr().err

    refuse(UserError("--export_dir is a file"))
    refuse(VerificationError("ids differ"))
