"""What the commands write to stdout and stderr, whatever these are."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deltaroi.cli.progress import say, tell, told
from deltaroi.errors import UsageError

RUN = "from deltaroi.cli.main import entry; entry(['regions', 'list'])"


@pytest.mark.parametrize(("encoding", "expected"), [
    ("utf-8", "aal3† ‡ 5 mm³ × 2 é"), ("latin-1", "aal3* ** 5 mm3 x 2 é"), ("ascii", "aal3* ** 5 mm3 x 2 ?")])
def test_signs_that_the_encoding_does_not_have(encoding: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    tell("aal3† ‡ 5 mm³ × 2 é")
    told()
    assert written.getvalue().decode(encoding) == f"{expected}\n"


def test_closed_streams_are_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    tell("nobody")
    told()
    say("reads this")


def test_a_reader_that_leaves_ends_no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        for _ in range(3):
            tell("x" * io.DEFAULT_BUFFER_SIZE)
        told()


def test_a_full_disk_is_said() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-c", RUN], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 2
    assert "standard output: the output cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_exit_code_survives_a_reader_that_leaves() -> None:
    shown = subprocess.run(["bash", "-c", f'"{sys.executable}" -c "{RUN}" | head -1; echo ${{PIPESTATUS[0]}}'],
                           capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "0"
    assert not shown.stderr


def test_a_write_that_fails_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    with Path("/dev/full").open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        tell("kept in the buffer")
        with pytest.raises(UsageError, match="cannot be written"):
            told()
