"""Who may import whom: the floors of both wings, lowest first, and what is imported where."""

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from tests.repository import ROOT

WINGS = ("bert", "exporter")

# Lowest first. A room is a folder or a module of the wing, under its own name; "" is the wing's
# __init__. A room imports rooms below it, never one beside it on its floor, nor above.
FLOORS: Mapping[str, Sequence[set[str]]] = {
    "bert": (
        {"errors", "tensorflow_import"},
        {"command", "config", "tasks"},
        {"variables", "tokenizers"},
        {"model"},
        {"encoder", "checkpoints", "reference"},
        {"training"},
        {"run_classifier"},
        # It exports as the other command does.
        {"run_squad"},
        {""},
    ),
    "exporter": (
        {"contract", "text", "progress", "package_conflict", "publish"},
        {"serving"},
        {"runtime"},
        {"options", "models"},
        {"artefact"},
        {"proof"},
        {"report"},
        {"exporting"},
        {""},
        {"__main__"},
    ),
}

# Rooms that know less than their floor would let them.
ENCODER_MAY_KNOW = {"config", "tasks", "variables"}
EDGES = ("check", "preview", "batch")
EDGES_MAY_KNOW = {"runtime", "serving", "contract", "progress"}

# An application at the edge: its --do_export calls the exporter.
ACROSS = {"bert/run_classifier.py"}

MOST_LOOSE_MODULES = 9
MOST_LINES = 250


def files() -> list[Path]:
    """The modules of both wings."""
    found = [file for wing in WINGS for file in sorted((ROOT / wing).rglob("*.py"))]
    assert len(found) > 150
    return found


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


@functools.cache
def imports(file: Path) -> tuple[str, ...]:
    """The modules that a file imports, wherever in it."""
    return tuple(_imports(file))


def _imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import"
            assert node.module is not None
            for alias in node.names:
                yield _module(f"{node.module}.{alias.name}") or node.module


def _module(name: str) -> str | None:
    """The name, if it is a module or package of ours."""
    path = ROOT / name.replace(".", "/")
    return name if path.with_suffix(".py").is_file() or path.is_dir() else None


def importers(package: str) -> set[str]:
    """The files of both wings that import a package or a part of it."""
    return {
        name_of(file)
        for file in files()
        if any(name == package or name.startswith(f"{package}.") for name in imports(file))
    }


def room_of(module: str) -> str:
    """`exporter.text.engine.rows` -> "text"; `exporter` -> ""."""
    return (*module.split("."), "")[1]


def arrows(wing: str) -> set[tuple[str, str, str]]:
    """File, its room and the room of a module that it imports, where these differ."""
    found = set()
    for file in sorted((ROOT / wing).rglob("*.py")):
        relative = file.relative_to(ROOT / wing).with_suffix("").parts
        room = "" if relative == ("__init__",) else relative[0]
        for module in imports(file):
            if module.split(".")[0] == wing and room_of(module) != room:
                found.add((name_of(file), room, room_of(module)))
    return found


@pytest.mark.parametrize("wing", WINGS)
def test_every_room_has_its_place(wing: str) -> None:
    rooms = {
        "" if path.name == "__init__.py" else path.stem
        for path in (ROOT / wing).iterdir()
        if path.suffix == ".py" or (path.is_dir() and any(path.rglob("*.py")))
    }
    placed = [room for floor in FLOORS[wing] for room in floor]
    assert len(placed) == len(set(placed))
    assert rooms - set(EDGES if wing == "exporter" else ()) == set(placed)


@pytest.mark.parametrize("wing", WINGS)
def test_imports_go_down(wing: str) -> None:
    floor_of = {room: number for number, floor in enumerate(FLOORS[wing]) for room in floor}
    upward = {
        (file, above)
        for file, room, above in arrows(wing)
        if room not in EDGES and (above in EDGES or floor_of[above] >= floor_of[room])
    }
    assert upward == set()


def test_the_encoder_knows_neither_model_nor_tokenizers() -> None:
    known = {below for _, room, below in arrows("bert") if room == "encoder"}
    assert known <= ENCODER_MAY_KNOW


def test_the_edges_know_servers_alone_and_nobody_knows_them() -> None:
    """An export needs neither the audit, the preview server nor Beam."""
    known = {
        (file, below)
        for file, room, below in arrows("exporter")
        if room in EDGES and below not in EDGES_MAY_KNOW
    }
    assert known == set()


def test_bert_does_not_import_the_exporter() -> None:
    assert {file for file in importers("exporter") if file.startswith("bert/")} <= ACROSS


def test_no_circles_among_the_rooms_of_a_folder() -> None:
    """At every depth, a room is a module or a folder with all that is in it."""
    known: dict[Path, dict[str, set[str]]] = {}
    for file in files():
        for module in imports(file):
            if _module(module) is None or module.split(".")[0] not in WINGS:
                continue
            target = ROOT / module.replace(".", "/")
            for folder in file.parents:
                if folder in (target, *target.parents) and folder != ROOT:
                    room, below = _child(folder, file.with_suffix("")), _child(folder, target)
                    if room != below:
                        known.setdefault(folder, {}).setdefault(room, set()).add(below)
                    break
    assert len(known) > 10
    for folder, arrows_of in known.items():
        while arrows_of:
            done = [room for room, below in arrows_of.items() if not below & arrows_of.keys()]
            assert done, f"a circle in {name_of(folder)} among {arrows_of}"
            for room in done:
                del arrows_of[room]


def _child(folder: Path, path: Path) -> str:
    """Which room of a folder a path leads to; its __init__ is the folder's own."""
    inside = path.relative_to(folder).parts
    return inside[0] if inside and inside != ("__init__",) else ""


@pytest.mark.parametrize(
    ("package", "room"),
    [
        ("tensorflow_text", "exporter/text/"),
        ("tensorflow_hub", "exporter/models/"),
        ("apache_beam", "exporter/batch/"),
        ("pyarrow", "exporter/batch/"),
    ],
)
def test_where_a_library_is_imported(package: str, room: str) -> None:
    found = importers(package)
    assert found
    assert {file for file in found if not file.startswith(room)} == set()


@pytest.mark.parametrize("package", ["keras", "tf_keras", "tensorflow.keras", "tests"])
def test_what_nobody_imports(package: str) -> None:
    assert importers(package) == set()


@pytest.mark.parametrize("wing", WINGS)
def test_few_loose_modules(wing: str) -> None:
    assert len(list((ROOT / wing).glob("*.py"))) <= MOST_LOOSE_MODULES


def test_modules_are_short() -> None:
    lines = {name_of(file): len(file.read_text("utf-8").splitlines()) for file in files()}
    assert {file: count for file, count in lines.items() if count > MOST_LINES} == {}


@pytest.mark.parametrize(
    "module", ["exporter", "exporter.__main__", "exporter.options", "exporter.publish"]
)
def test_imports_without_tensorflow(module: str) -> None:
    """So that mistakes in the flags are told at once."""
    code = f"import sys, {module}; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    loaded = set(result.stdout.split())
    assert "exporter" in loaded
    assert not loaded & {"tensorflow", "tensorflow_text"}
    if module != "exporter.options":
        assert not loaded & {"numpy", "bert.model"}
