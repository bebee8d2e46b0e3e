"""Imports go down only; siblings on a floor do not import each other."""

from __future__ import annotations

import ast
from pathlib import Path

SRC = Path(__file__).resolve().parents[2] / "src" / "deltaroi"
FLOORS = {
    "errors": 0, "tables": 0, "grid": 0, "specs": 0, "types": 0,
    "stats": 1, "smoothing": 1, "scaling": 1, "summaries": 1, "fill": 1,
    "config": 2, "io": 2, "atlas": 2, "layout": 2, "resources": 1.5, "remote": 1.5,
    "masks": 3.1, "signal": 3.1,
    "firstlevel": 3.2, "responses": 3.2, "group": 3.2, "simulator": 3.2, "measuring": 3.2, "compare": 3.2,
    "evidence": 3.2, "studies": 3.2, "connectivity": 3.2,
    "report": 4, "pipeline": 5, "cli": 6, "__init__": 5.5, "__main__": 7,
}
# Floor 0 is the vocabulary: its words may be explained by each other (tables speak of types and errors).
SIBLINGS_ALLOWED = {0}


def room_of(path: Path) -> str:
    return path.relative_to(SRC).parts[0].removesuffix(".py")


def imports_of(path: Path) -> set[str]:
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            top = node.module == "deltaroi"
            names = [f"deltaroi.{alias.name}" for alias in node.names] if top else [node.module]
        ours = [name.split(".") for name in names if name.split(".")[0] == "deltaroi"]
        rooms |= {parts[1] if len(parts) > 1 else "__init__" for parts in ours}
    return rooms


def test_every_room_has_a_floor() -> None:
    rooms = {room_of(path) for path in SRC.rglob("*.py")}
    assert rooms <= FLOORS.keys(), rooms - FLOORS.keys()


def test_imports_go_down() -> None:
    wrong = []
    for path in SRC.rglob("*.py"):
        room = room_of(path)
        for other in imports_of(path) - {room}:
            lower = FLOORS[other] < FLOORS[room]
            sibling = FLOORS[other] == FLOORS[room] and FLOORS[room] in SIBLINGS_ALLOWED
            if not lower and not sibling:
                wrong.append(f"{path.relative_to(SRC)} ({FLOORS[room]}) imports {other} ({FLOORS[other]})")
    assert not wrong, "\n".join(wrong)


def test_simulator_shares_nothing_with_the_analysis() -> None:
    for path in (SRC / "simulator").rglob("*.py"):
        text = path.read_text()
        assert "deltaroi.signal" not in text, path
        assert "deltaroi.masks" not in text, path
        assert "nilearn.glm" not in text, path
