"""The page about running names every event of the log with its keys, and every exit code."""

from __future__ import annotations

import re
from pathlib import Path

from deltaroi.cli.log import EVENTS
from deltaroi.errors import DeltaroiError

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "running.md").read_text()
ROWS = [[re.findall(r"`([a-z_]+)`", cell) for cell in line.split("|")[1:-1]] for line in PAGE.splitlines()
        if line.startswith("|")]


def test_every_event_and_its_keys() -> None:
    documented = {event: keys for events, keys, *_ in (row for row in ROWS if len(row) == 3) for event in events}
    documented["progress"] = documented["stage_begin"] + documented["progress"]
    assert {event: tuple(keys) for event, keys in documented.items()} == EVENTS


def test_every_exit_code() -> None:
    codes = {int(found) for found in re.findall(r"^\| (\d) \|", PAGE, re.MULTILINE)}
    known = {kind.exit_code for kind in (DeltaroiError, *DeltaroiError.__subclasses__())}
    assert codes == {0, 1, 5, *known}
