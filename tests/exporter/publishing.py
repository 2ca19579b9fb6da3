"""Publishing a version in tests, and what a directory holds."""

from pathlib import Path

from exporter.publish import staged_version


def names(directory: Path) -> list[str]:
    return sorted(child.name for child in directory.iterdir())


def publish(export_dir: Path, version: int = 1, content: str = "graph") -> None:
    with staged_version(export_dir, version) as directory:
        (directory / "saved_model.pb").write_text(content)
