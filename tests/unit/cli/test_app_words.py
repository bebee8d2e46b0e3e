"""Options of labels that take several words, as those of other BIDS-Apps do."""

from __future__ import annotations

import pytest

from deltaroi.cli.app_command import spread

L = "--participant-label"


@pytest.mark.parametrize(("words", "expected"), [
    (["in", "out", "group"], ["in", "out", "group"]),
    (["in", "out", "participant", L, "01", "sub-02"], [L, "01", L, "sub-02", "in", "out", "participant"]),
    ([L, "01", "02", "in", "out", "participant"], [L, "01", L, "02", "in", "out", "participant"]),
    ([L, "01", "--study", "s.yaml", "in", "out", "participant"], [L, "01", "--study", "s.yaml", "in", "out",
                                                                 "participant"]),
    (["in", "out", "participant", "--participant_label", "1", "2", "--session-label", "pre"],
     ["--participant_label", "1", "--participant_label", "2", "--session-label", "pre", "in", "out", "participant"]),
    ([f"{L}=01", "in", "out", "participant"], [f"{L}=01", "in", "out", "participant"]),
    (["in", "out", "participant", L], [L, "in", "out", "participant"]),  # the command then says what is missing
])
def test_every_word_gets_its_option(words: list[str], expected: list[str]) -> None:
    assert spread(words) == expected
