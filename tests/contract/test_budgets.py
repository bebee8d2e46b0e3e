"""Module <= 300 lines, function <= 60, arguments <= 7, no import cycles, no print, public things documented."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SRC = Path(__file__).resolve().parents[2] / "src" / "deltaroi"
FILES = sorted(SRC.rglob("*.py"))


def functions(tree: ast.AST) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    return [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(SRC)))
def test_budget(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    wrong = []
    if len(text.splitlines()) > 300:
        wrong.append(f"{len(text.splitlines())} lines")
    for node in functions(tree):
        body = node.body[1:] if ast.get_docstring(node) else node.body
        length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
        if length > 60:
            wrong.append(f"{node.name}: {length} lines")
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
        count = len([n for n in names if n not in ("self", "cls")])
        is_command = path.parent.name == "cli"
        if count > 7 and not is_command:
            wrong.append(f"{node.name}: {count} arguments")
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    wrong += [f"line {c.lineno}: {c.func.id}" for c in calls if c.func.id in ("print", "eval", "exec")]
    for node in tree.body:
        public = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
        if public and not ast.get_docstring(node):
            wrong.append(f"{node.name}: no docstring")
    if not ast.get_docstring(tree):
        wrong.append("no module docstring")
    assert not wrong, wrong


def test_no_import_cycles() -> None:
    graph: dict[str, set[str]] = {}
    dotted = {p: ".".join(("deltaroi", *p.relative_to(SRC).with_suffix("").parts)) for p in FILES}
    modules = {name.removesuffix(".__init__"): p for p, name in dotted.items()}
    for name, path in modules.items():
        targets = set()
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ImportFrom) and node.module:
                targets |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
            elif isinstance(node, ast.Import):
                targets |= {a.name for a in node.names}
        graph[name] = (targets & modules.keys()) - {name}

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " -> ".join((*path, name))
        if name not in done:
            for other in sorted(graph[name]):
                visit(other, (*path, name))
            done.add(name)

    done: set[str] = set()
    for name in graph:
        visit(name, ())
