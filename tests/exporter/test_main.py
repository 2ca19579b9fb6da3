"""The command from end to end, in processes of its own."""

import json
import re
import shlex
import shutil
import signal
import time
from pathlib import Path

import pytest

from exporter.proof.adversarial_text import ADVERSARIAL_TEXTS
from exporter.text.engine.wordpiece import CLASSIC_OP, FAST_OP
from tests.conftest import Signatures, load_signatures
from tests.exporter.command import Outcome, run, run_here, start
from tests.exporter.fresh_process import answers
from tests.oracles.original_classifier import OriginalClassifier
from tests.repository import ROOT
from tests.tiny_model import LABELS, TinyModel, write_tiny_model

_FIRST_SENTENCES = 'what is "good"?\nThe film is not fun.\n\n\xff\n'


@pytest.fixture(scope="module")
def exported(
    tiny_model: TinyModel, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Outcome]:
    """An export by the command, with as many flags as go together, and what it said."""
    scratch = tmp_path_factory.mktemp("command")
    labels = scratch / "labels.txt"
    # As Windows editors write it, with a byte order mark.
    labels.write_text("".join(f"{label}\n" for label in LABELS), encoding="utf-8-sig")
    lines = scratch / "lines.txt"
    lines.write_bytes(_FIRST_SENTENCES.encode("latin-1"))
    outcome = run(
        f"--checkpoint={tiny_model.directory}",
        f"--export_dir={scratch / 'models' / 'sentiment'}",
        "--version=17",
        f"--bert_config_file={tiny_model.directory / 'bert_config.json'}",
        f"--vocab_file={tiny_model.directory / 'vocab.txt'}",
        "--do_lower_case=true",
        "--tokenizer=google_research",
        "--max_seq_length=20",
        "--task=classification",
        f"--label_file={labels}",
        "--top_k=2",
        "--default_signature=text",
        "--precision=float32",
        "--target_serving=2.12.0",
        "--nowarmup",
        f"--verify_file={lines}",
        working_directory=ROOT,
    )
    return scratch / "models" / "sentiment", outcome


def test_exit_code_and_progress(exported: tuple[Path, Outcome]) -> None:
    _, outcome = exported
    assert outcome.code == 0, outcome.errors
    # Nothing of TensorFlow's, only one line a stage with its time, and those of a long stage.
    lines = outcome.errors.splitlines()
    ended = [line for line in lines if re.fullmatch(r"\S.* +\d+\.\d s", line)]
    assert len(ended) == 5
    others = [line for line in lines if line not in ended]
    assert all(re.fullmatch(r"\S.*: .*\d+ s( left)?", line) for line in others), outcome.errors


def test_summary(exported: tuple[Path, Outcome], tiny_model: TinyModel) -> None:
    export_dir, outcome = exported
    assert str(export_dir / "17") in outcome.output.splitlines()[0]
    for part in (
        "serving_default",
        "features_with_label_ids",
        "negative, neutral, positive",
        "google_research",
        "uncased",
        "20 tokens",
        "124 lines for 124",
        "TensorFlow Serving 2.10.0",
        f"ids equal on {4 + len(ADVERSARIAL_TEXTS)} texts",
    ):
        assert part in outcome.output, part
    curl = shlex.split(outcome.output.splitlines()[-1])
    assert curl[0] == "curl"
    assert curl[-1] == "localhost:8501/v1/models/sentiment:predict"
    assert json.loads(curl[curl.index("-d") + 1]) == {"instances": ["a stirring, funny film"]}


def test_only_the_version_is_left(exported: tuple[Path, Outcome]) -> None:
    export_dir, _ = exported
    assert [path.name for path in export_dir.iterdir()] == ["17"]


def test_export_json(exported: tuple[Path, Outcome], tiny_model: TinyModel) -> None:
    export_dir, _ = exported
    report = json.loads((export_dir / "17" / "assets.extra" / "export.json").read_text())
    assert report["versions"]["tensorflow"]
    assert report["task"] == "classification"
    assert report["labels"] == list(LABELS)
    text = report["text"]
    assert text["tokenizer"] == "google_research"
    assert text["do_lower_case"] is True
    assert text["max_seq_length"] == 20
    assert re.fullmatch(r"\d+\.\d+\.\d+", text["unicode_version"])
    assert text["vocabulary_lines"] == text["word_embedding_rows"] == len(tiny_model.tokens)
    assert FAST_OP in report["ops"]
    assert report["oldest_tensorflow_serving"] == "2.10.0"
    assert report["serving_default"] == "text"
    assert set(report["signatures"]) >= {"text", "labels", "features", "tokenize", "embedding"}
    assert report["source"]["checkpoint"] == str(tiny_model.prefix)
    verification = report["verification"]
    assert verification["texts_with_equal_ids"] == 4 + len(ADVERSARIAL_TEXTS)
    assert verification["texts_with_compared_probabilities"] >= 20
    assert 0 <= verification["largest_probability_difference"] <= 1e-5


def test_vocabulary_asset(exported: tuple[Path, Outcome], tiny_model: TinyModel) -> None:
    export_dir, _ = exported
    asset = export_dir / "17" / "assets" / "vocab.txt"
    assert asset.read_bytes() == (tiny_model.directory / "vocab.txt").read_bytes()


def test_defaults(tiny_model: TinyModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = int(time.time())
    outcome = run_here(
        capfd,
        f"--checkpoint={tiny_model.directory}",
        f"--export_dir={tmp_path / 'tiny'}",
        "--nowarmup",
        "--noverify",
    )
    assert outcome.code == 0
    (version,) = (tmp_path / "tiny").iterdir()
    assert before <= int(version.name) <= time.time()
    report = json.loads((version / "assets.extra" / "export.json").read_text())
    assert report["labels"] == ["0", "1", "2"]
    assert report["text"]["max_seq_length"] == 32
    assert report["verification"] is None
    assert "not verified (--noverify)" in outcome.output


def test_an_old_server(
    tiny_model: TinyModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The classic op is all that its TF-Text has, and the summary says how old it may be."""
    outcome = run_here(
        capfd,
        f"--checkpoint={tiny_model.prefix}",
        f"--export_dir={tmp_path / 'tiny'}",
        "--version=1",
        "--target_serving=2.5.1",
    )
    assert outcome.code == 0
    assert "TensorFlow Serving 2.5.1" in outcome.output
    report = json.loads((tmp_path / "tiny" / "1" / "assets.extra" / "export.json").read_text())
    assert report["oldest_tensorflow_serving"] == "2.5.1"
    assert CLASSIC_OP in report["ops"]
    assert FAST_OP not in report["ops"]
    assert report["verification"]["texts_with_equal_ids"] > 30


def test_fewer_vocabulary_lines_than_rows(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Tables are often padded to a multiple of 64."""
    model = write_tiny_model(tmp_path / "out", vocab_size=128)
    outcome = run_here(
        capfd,
        f"--checkpoint={model.prefix}",
        f"--export_dir={tmp_path / 'tiny'}",
        "--version=1",
        "--nowarmup",
        "--noverify",
    )
    assert outcome.code == 0
    assert "124 lines for 128" in outcome.output
    report = json.loads((tmp_path / "tiny" / "1" / "assets.extra" / "export.json").read_text())
    assert report["text"]["vocabulary_lines"] == 124
    assert report["text"]["word_embedding_rows"] == 128


@pytest.mark.parametrize("settings", ["", '{"do_lower_case": false}', '{"do_lower_case": true}'])
def test_casing(settings: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A cased vocabulary: inferred where no file tells; a file against it is a warning."""
    model = write_tiny_model(tmp_path / "out", do_lower_case=False)
    file = model.directory / "tokenizer_config.json"
    file.write_text(settings) if settings else file.unlink()
    outcome = run_here(
        capfd,
        f"--checkpoint={model.prefix}",
        f"--export_dir={tmp_path / 'tiny'}",
        "--version=1",
        "--nowarmup",
        "--noverify",
    )
    assert outcome.code == 0
    is_cased = "true" not in settings
    line = next(line for line in outcome.output.splitlines() if "tokenizer" in line)
    assert ("uncased" not in line.split("(")[0]) == is_cased
    assert ("inferred" in line) == (not settings)
    assert ("warning" in line) == (not is_cased)
    assert str(file) in line or not settings
    report = json.loads((tmp_path / "tiny" / "1" / "assets.extra" / "export.json").read_text())
    assert report["text"]["do_lower_case"] == (not is_cased)


def test_a_directory_with_one_checkpoint_and_no_state_file(
    checkpoint_copy: TinyModel, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (checkpoint_copy.directory / "checkpoint").unlink()
    outcome = run_here(
        capfd,
        f"--checkpoint={checkpoint_copy.directory}",
        f"--export_dir={tmp_path / 'tiny'}",
        "--nowarmup",
        "--noverify",
    )
    assert outcome.code == 0


def test_a_checkpoint_of_the_original_saver(
    tiny_model: TinyModel,
    signatures: Signatures,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The original's code restores our checkpoint, and we read what it writes."""
    directory = shutil.copytree(tiny_model.directory, tmp_path / "out")
    for file in directory.glob("model.ckpt-7.*"):
        file.unlink()
    original = OriginalClassifier(tiny_model.prefix, len(LABELS))
    prefix = original.save(directory / "model.ckpt", global_step=343)
    assert prefix.name == "model.ckpt-343"
    outcome = run_here(
        capfd, f"--checkpoint={directory}", f"--export_dir={tmp_path / 'tiny'}", "--version=1"
    )
    assert outcome.code == 0, outcome.errors
    found = load_signatures(tmp_path / "tiny" / "1")["text"](text=["the film is good"])
    expected = signatures["text"](text=["the film is good"])
    assert found["probabilities"].numpy().tolist() == expected["probabilities"].numpy().tolist()


def test_sigterm_clears_up(tiny_model: TinyModel, tmp_path: Path) -> None:
    """As an orchestrator ends a job."""
    export_dir = tmp_path / "models" / "tiny"
    with start(f"--checkpoint={tiny_model.prefix}", f"--export_dir={export_dir}") as process:
        deadline = time.monotonic() + 60
        while not export_dir.exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert any(export_dir.iterdir())
        process.terminate()
        _, errors = process.communicate(timeout=300)
    assert process.returncode == 128 + signal.SIGTERM
    assert "Traceback" not in errors
    assert not (tmp_path / "models").exists()


def test_the_export_answers_in_a_fresh_process(exported: tuple[Path, Outcome]) -> None:
    export_dir, _ = exported
    found = answers(export_dir / "17", ["the film is good", "bad"])
    assert found["text"] == found["serving_default"]
    assert len(found["text"]["probabilities"]) == 2
