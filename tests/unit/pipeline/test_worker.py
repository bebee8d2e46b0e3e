"""A worker holds itself against the terms of a run before it works."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from deltaroi.pipeline import worker


@pytest.fixture
def terms(tmp_path: Path) -> worker.Terms:
    (tmp_path / "out" / "logs").mkdir(parents=True)
    seen, image = tmp_path / "out" / "logs" / "seen", tmp_path / "bold.nii.gz"
    seen.write_text(tmp_path.name)
    image.write_bytes(b"1234")
    return worker.Terms(worker.software(), tmp_path.name, str(seen), [(str(image), 4)])


PIECE = pickle.dumps((os.path.basename, "x/a"))


def test_a_worker_that_shares_everything_works_and_leaves_a_sign(terms: worker.Terms) -> None:
    answer = worker.greet(terms.text())
    assert isinstance(answer, str)
    assert worker.holds(answer, terms.token)
    assert worker.work(terms.text(), PIECE) == "a"


@pytest.mark.parametrize("name", ["numpy", "nilearn", "deltaroi", "python", "deltaroi's code"])
def test_other_software_is_refused_with_both_versions(terms: worker.Terms, name: str) -> None:
    """Also work is refused, which is what a worker gets that comes late; it is not even unpickled."""
    other = replace(terms, software={**terms.software, name: "0.0"})
    for refusal in (worker.greet(other.text()), worker.work(other.text(), b"no pickle")):
        assert isinstance(refusal, worker.Refusal)
        assert f"{name} 0.0 here and {worker.software()[name]} there" in refusal.problem


def test_an_output_folder_that_is_not_shared_is_refused(terms: worker.Terms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PATIENCE_S", 0.1)
    for content in ("of another run", None):
        Path(terms.seen).unlink()
        if content:
            Path(terms.seen).write_text(content)
        refusal = worker.work(replace(terms, token=f"{terms.token}{content}").text(), PIECE)
        assert isinstance(refusal, worker.Refusal)
        assert "does not see the output folder" in refusal.problem
        assert str(Path(terms.seen).parents[1]) in refusal.problem


@pytest.mark.parametrize(("change", "says"), [(lambda path: path.unlink(), "cannot be read"),
                                              (lambda path: path.write_bytes(b"12"), "has 2 bytes there")])
def test_data_that_are_not_the_same_are_refused(terms: worker.Terms, change: object, says: str) -> None:
    change(Path(terms.inputs[0][0]))  # type: ignore[operator]
    refusal = worker.greet(terms.text())
    assert isinstance(refusal, worker.Refusal)
    assert says in refusal.problem
