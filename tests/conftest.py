import os

# TensorFlow reads it when it is imported, and the processes that tests start inherit it.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import shutil
from collections.abc import Mapping
from pathlib import Path

import hypothesis
import pytest
import tensorflow as tf

from exporter import export
from exporter.text.registration import register_text_ops
from tests.tiny_model import LABELS, TinyModel, write_tiny_model

WARMUP_PAIRS = (("the film is good", "is it?"), ("a bad film", "the very film"), ("fun", "no"))

Signatures = Mapping[str, tf.types.experimental.ConcreteFunction]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--full",
        action="store_true",
        help="run what is marked `full` as well, and the sweeps of the other tests whole",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "full: takes long; only `pytest --full` runs it")
    hypothesis.settings.register_profile("sample", max_examples=30, deadline=None, derandomize=True)
    hypothesis.settings.register_profile("full", max_examples=1000, deadline=None)
    hypothesis.settings.load_profile("full" if config.getoption("--full") else "sample")


def pytest_report_header(config: pytest.Config) -> str:
    if config.getoption("--full"):
        return "suite: full"
    return "suite: sample; `pytest --full` runs what is marked full, and every sweep whole"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--full"):
        left_out = [item for item in items if item.get_closest_marker("full")]
        items[:] = [item for item in items if not item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=left_out)


@pytest.fixture(scope="session")
def full(request: pytest.FixtureRequest) -> bool:
    """Whether sweeps are to be whole, not samples."""
    return bool(request.config.getoption("--full"))


def load_signatures(version_directory: Path) -> Signatures:
    """The signatures of a SavedModel, loaded as a stranger would."""
    register_text_ops()
    loaded = tf.saved_model.load(str(version_directory))
    # The functions do not keep their model, and with it their variables, alive.
    loaded.signatures.model = loaded
    return loaded.signatures


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> TinyModel:
    """An uncased checkpoint; copy it before changing anything in it."""
    return write_tiny_model(tmp_path_factory.mktemp("tiny") / "out")


@pytest.fixture(scope="session")
def tiny_export(tiny_model: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The version directory of its export; copy it before changing anything in it."""
    export_dir = tmp_path_factory.mktemp("served") / "tiny"
    report = export(
        tiny_model.prefix, export_dir, version=1, labels=LABELS, warmup=False, verify=False
    )
    return report.version_directory


@pytest.fixture(scope="session")
def pair_export(tiny_model: TinyModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of two texts, with warm-up requests of WARMUP_PAIRS."""
    scratch = tmp_path_factory.mktemp("pairs")
    file = scratch / "pairs.tsv"
    file.write_text("".join(f"{text_a}\t{text_b}\n" for text_a, text_b in WARMUP_PAIRS))
    report = export(
        tiny_model.prefix,
        scratch / "served",
        version=1,
        labels=LABELS,
        text_pair=True,
        warmup_file=file,
        verify=False,
    )
    return report.version_directory


@pytest.fixture(scope="session")
def signatures(tiny_export: Path) -> Signatures:
    """The signatures of the export, loaded from disk."""
    return load_signatures(tiny_export)


@pytest.fixture
def checkpoint_copy(tiny_model: TinyModel, tmp_path: Path) -> TinyModel:
    """A copy of the checkpoint that a test may spoil."""
    directory = shutil.copytree(tiny_model.directory, tmp_path / "spoilt")
    prefix = directory / tiny_model.prefix.name
    return TinyModel(
        prefix,
        tiny_model.config,
        tiny_model.weights,
        tiny_model.tokens,
        tiny_model.do_lower_case,
        tiny_model.max_seq_length,
    )
