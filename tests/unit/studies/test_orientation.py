"""A study that compares the other way round is turned or refused, never taken as it is."""

from __future__ import annotations

from typing import Any

import pytest

from deltaroi.config.study import Study
from deltaroi.specs import Claim
from deltaroi.studies import published
from deltaroi.studies.orientation import orientation

CLAIM = "mascaro2013_dmpfc_rmet"


def like(levels: tuple[str, str], sessions: tuple[str, str], contrast: str) -> Study:
    """The design of Mascaro et al. (2013) with other labels."""
    there = published("mascaro2013")
    return there.model_copy(update={
        "groups": there.groups.model_copy(update={"levels": list(levels)}),
        "dataset": there.dataset.model_copy(update={"sessions": list(sessions)}),
        "contrasts": {"emotion_vs_control": contrast}})


def turned(study: Study, comparison: str, **where: str) -> Any:
    there = published("mascaro2013")
    reported = there.claims[CLAIM]
    own = Claim(table="effects", where={**reported.where, "comparison": comparison, **where})
    return orientation(study, own, there, reported)


@pytest.mark.parametrize(("levels", "sessions", "contrast", "comparison", "sign"), [
    (("CBCT", "control"), ("pre", "post"), "emotion - control_task", "CBCT-control|post-pre", 1),
    (("cbct", "Control"), ("pre", "post"), "emotion - control_task", "cbct-Control|post-pre", 1),
    (("control", "CBCT"), ("pre", "post"), "emotion - control_task", "control-CBCT|post-pre", -1),
    (("waiting", "CBCT"), ("pre", "post"), "emotion - control_task", "waiting-CBCT|post-pre", -1),
    (("CBCT", "waiting"), ("pre", "post"), "emotion - control_task", "CBCT-waiting|post-pre", 1),
    (("CBCT", "control"), ("post", "pre"), "emotion - control_task", "CBCT-control|pre-post", -1),
    (("control", "CBCT"), ("post", "pre"), "emotion - control_task", "control-CBCT|pre-post", 1),
    (("CBCT", "control"), ("pre", "post"), "control_task - emotion", "CBCT-control|post-pre", -1),
    (("CBCT", "control"), ("pre", "post"), "2 * emotion - 2 * control_task", "CBCT-control|post-pre", 1),
    (("trained", "waiting"), ("t1", "t2"), "eyes - objects", "trained-waiting|t2-t1", 1),
])
def test_by_name_then_by_order(levels: Any, sessions: Any, contrast: str, comparison: str, sign: int) -> None:
    found = turned(like(levels, sessions, contrast), comparison)
    assert (found.sign, found.problem) == (sign, "")


def test_what_was_turned_or_taken_is_said() -> None:
    swapped = turned(like(("control", "CBCT"), ("pre", "post"), "emotion - control_task"), "control-CBCT|post-pre")
    assert swapped.notes == ("control-CBCT was turned: published is CBCT-control",)
    other = turned(like(("trained", "waiting"), ("t1", "t2"), "eyes - objects"), "trained-waiting|t2-t1")
    assert other.notes == ("trained is taken for CBCT", "waiting is taken for control", "t2 is taken for post",
                           "t1 is taken for pre",
                           "the contrast emotion_vs_control (eyes - objects) is taken for emotion - control_task")
    same = turned(like(("CBCT", "control"), ("pre", "post"), "emotion - control_task"), "CBCT-control|post-pre")
    assert same.notes == ()


def test_labels_with_signs_are_not_torn() -> None:
    found = turned(like(("CBCT-8", "wait-list"), ("pre", "post"), "emotion - control_task"),
                   "CBCT-8-wait-list|post-pre")
    assert (found.sign, found.notes) == (1, ("CBCT-8 is taken for CBCT", "wait-list is taken for control"))


@pytest.mark.parametrize(("contrast", "comparison", "words"), [
    ("emotion - control_task", "CBCT|post-pre", "of another kind"),
    ("emotion - control_task", "CBCT-control", "of another kind"),
    ("emotion + control_task", "CBCT-control|post-pre", "is not that of the publication"),
])
def test_what_asks_something_else_is_refused(contrast: str, comparison: str, words: str) -> None:
    assert words in turned(like(("CBCT", "control"), ("pre", "post"), contrast), comparison).problem


def test_another_group_than_the_claims_is_refused() -> None:
    there = published("desbordes2012")
    name = "desbordes2012_mat_amygdala_positive"
    own = there.claims[name].model_copy(update={"where": {**there.claims[name].where, "comparison": "CBCT|post-pre"}})
    assert orientation(there, own, there, there.claims[name]).problem == "the row is about CBCT, the claim about MAT"


def test_a_claim_without_a_published_row_says_what_is_taken() -> None:
    there = published("mascaro2013")
    assert "first-listed minus second" in orientation(there, there.claims[CLAIM], there, None).notes[0]
