from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.exporter.preview.client import Client, preview
from tests.exporter.preview.models import save_classifier, save_odd_outputs

CLF_LABELS = {"live": 1, "gone": 7}


@pytest.fixture(scope="session")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved classifier; copy it before changing anything in it."""
    return save_classifier(tmp_path_factory.mktemp("classifier") / "1")


@pytest.fixture(scope="session")
def odd_outputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The saved model `alias`."""
    return save_odd_outputs(tmp_path_factory.mktemp("alias") / "1")


@pytest.fixture(scope="session")
def clf(classifier: Path) -> Iterator[Client]:
    """A preview server with the model `clf`, version 1, that is also labelled `live`."""
    with preview("clf", classifier.parent, labels=CLF_LABELS) as client:
        yield client


@pytest.fixture(scope="session")
def alias(odd_outputs: Path) -> Iterator[Client]:
    """A preview server with the model `alias`, version 1."""
    with preview("alias", odd_outputs.parent) as client:
        yield client
