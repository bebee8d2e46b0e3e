"""What the help and the bare import load: counted in modules, because seconds depend on the machine."""

from __future__ import annotations

import json
import subprocess
import sys

HEAVY = {"bids2table", "isal", "jinja2", "joblib", "matplotlib", "nibabel", "nilearn", "numpy", "pandas", "pyarrow",
         "pydantic", "pydantic_core", "rich", "scipy", "sklearn", "statsmodels", "threadpoolctl", "yaml"}
MOST = 240
"""Modules in the process that shows the help of every command, one after the other; a bare Python has 33 of them."""
MOST_OF_IMPORT = 75
"""The same after ``import deltaroi``, which brings its own and those that its types need."""

# Walks the tree of commands as typer has it, so that a new command is held to this without being listed here.
SHOW_ALL = """
import contextlib, io, json, sys
import typer
from deltaroi.cli.main import app, entry

def words(command, before=()):
    yield before
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        yield from words(inner, (*before, name))

asked = [("--version",), *((*before, "--help") for before in words(typer.main.get_command(app))), ("run", "-h")]
seen = {}
for one in asked:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        try:
            entry(list(one))
        except SystemExit as ended:
            assert ended.code == 0, one
    assert said.getvalue(), one
    seen[" ".join(one)] = [len(sys.modules), sorted({name.partition(".")[0] for name in sys.modules})]
print(json.dumps(seen))
"""


def _in_a_new_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_no_help_imports_anything_heavy() -> None:
    seen = json.loads(_in_a_new_python(SHOW_ALL))
    assert {"--help", "--version", "run --help", "regions --help", "regions build --help",
            "studies replicate --help"} <= seen.keys()
    assert {command: found for command, (_, names) in seen.items() if (found := sorted(HEAVY & set(names)))} == {}
    assert {command: count for command, (count, _) in seen.items() if count > MOST} == {}


def test_import_imports_nothing_heavy() -> None:
    """The public names are there, and none of them is loaded before it is used."""
    count, names, public = json.loads(_in_a_new_python(
        "import json, sys, deltaroi\n"
        "print(json.dumps([len(sys.modules), sorted(sys.modules), deltaroi.__all__]))"))
    assert sorted(HEAVY & {name.partition(".")[0] for name in names}) == []
    assert [name for name in names if name.partition(".")[0] == "deltaroi"] == ["deltaroi"]
    assert count <= MOST_OF_IMPORT
    assert public
