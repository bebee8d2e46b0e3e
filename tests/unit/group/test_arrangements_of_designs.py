"""What the max-T test rearranges, by design and by what is asked for; strata; group × condition."""

import numpy as np
import pandas as pd
import pytest

from deltaroi import compare
from deltaroi.errors import DataError, UsageError
from deltaroi.group import CompareOptions
from deltaroi.specs import GroupStats

FEW = GroupStats(permutations=199)


def asked(assignment: str = "randomised", covariates: tuple[str, ...] = (), strata: str | None = None,
          **stats: object) -> CompareOptions:
    return CompareOptions(("pre", "post"), ("A", "B"), assignment, covariates=covariates, strata=strata,
                          stats=GroupStats(**{"permutations": 199, **stats}))


def primary_note(result, model: str) -> str:
    (note,) = (n for n in result.notes if f" · {model} · group_difference · " in n and "max-T" in n)
    return note.split(": ", 1)[1]


@pytest.mark.parametrize(("options", "model", "said"), [
    (asked(), "ancova", "max-T over 3 ROIs, 199 sign flips of whole subjects' residuals"),
    (asked("preexisting"), "change", "max-T over 3 ROIs, 199 sign flips of whole subjects' residuals"),
    (asked(variance="hc3"), "ancova", "max-T over 3 ROIs, 199 Freedman-Lane permutations of whole subjects' residuals"),
    (asked(variance="classical"), "ancova",
     "max-T over 3 ROIs, 199 Freedman-Lane permutations of whole subjects' residuals"),
    (asked("preexisting", variance="classical"), "change",
     "max-T over 3 ROIs, 199 group relabellings of whole subjects"),
    (asked("preexisting", arrangements="permutations"), "change",
     "max-T over 3 ROIs, 199 group relabellings of whole subjects"),
    (asked(arrangements="permutations"), "ancova",
     "max-T over 3 ROIs, 199 Freedman-Lane permutations of whole subjects' residuals"),
    (asked(variance="classical", arrangements="sign_flips"), "ancova",
     "max-T over 3 ROIs, 199 sign flips of whole subjects' residuals"),
])
def test_what_is_rearranged(make_table, options: CompareOptions, model: str, said: str) -> None:
    assert primary_note(compare(make_table({"A": 10, "B": 11}), options), model) == said


def test_few_arrangements_are_enumerated_and_only_relabelling_is_called_exact(make_table) -> None:
    table = make_table({"A": 4, "B": 5})
    flips = primary_note(compare(table, asked("preexisting")), "change")
    assert flips == "max-T over 3 ROIs, all 512 sign flips of whole subjects' residuals"
    exact = primary_note(compare(table, asked("preexisting", arrangements="permutations")), "change")
    assert exact == "max-T over 3 ROIs, all 126 group relabellings of whole subjects (exact)"
    for options in (asked(), asked("preexisting"), asked(arrangements="permutations")):
        found = compare(make_table({"A": 4, "B": 5}, gain=40), options).effects.query("primary")
        assert found["p_fwe"].min() >= 1 / 126


def test_step_down_is_never_above_the_single_step(make_table) -> None:
    effects = compare(make_table({"A": 12, "B": 12}, gain=1.0, rois=6), asked()).effects.query("primary")
    assert (effects["p_step_down"] <= effects["p_fwe"]).all()
    assert (effects["p_step_down"] < effects["p_fwe"]).any()
    assert effects["p_step_down"].min() == effects["p_fwe"].min()


def with_sites(table: pd.DataFrame, sites: int = 2) -> pd.DataFrame:
    """Each subject's site, written as a number; subjects are numbered group by group."""
    number = {s: str(i % sites + 1) for i, s in enumerate(sorted(set(table["subject"])))}
    return table.assign(site=[number[s] for s in table["subject"]])


def test_strata_are_categories_and_hold_subjects_in_place(make_table) -> None:
    table = with_sites(make_table({"A": 6, "B": 6}), 3)
    result = compare(table, asked(strata="site", arrangements="permutations"))
    assert primary_note(result, "ancova").endswith("permutations of whole subjects' residuals within strata")
    assert any("the stratum 'site' is dummy coded against '1'" in n for n in result.notes)
    classical = result.effects.query("model == 'ancova' and se_kind == 'classical'")
    assert set(classical["df"]) == {12 - 5}  # intercept, baseline, group, two dummies
    moved = compare(with_sites(make_table({"A": 6, "B": 6}, gain=40), 3),
                    asked(strata="site", arrangements="permutations")).effects.query("primary")
    assert moved["p_fwe"].min() >= 1 / 6**3  # two of each group in every site: (4 over 2) relabellings in each


def test_somebody_without_stratum_is_left_out_and_listed(make_table) -> None:
    table = with_sites(make_table({"A": 6, "B": 6}))
    table.loc[table["subject"] == "003", "site"] = "n/a"
    result = compare(table, asked(strata="site"))
    assert [(e.subject, e.reason) for e in result.exclusions] == [("003", "stratum 'site' is missing")]
    assert set(result.effects.query("primary")["n"]) == {11}


def test_a_stratum_that_is_also_a_covariate_is_refused(make_table) -> None:
    with pytest.raises(DataError, match="'site' is a covariate and the stratum"):
        compare(with_sites(make_table({"A": 6, "B": 6})), asked(covariates=("site",), strata="site"))


def two_conditions(groups: dict[str, int], seed: int = 3) -> pd.DataFrame:
    rng, rows = np.random.default_rng(seed), []
    for k, (subject, group) in enumerate((f"{g}{i}", g) for g, n in groups.items() for i in range(n)):
        own = rng.normal()
        rows += [{"subject": f"{k:03d}{subject}", "session": "n/a", "region": "AI", "contrast": condition,
                  "value": own + rng.normal() + (group == "A") * (condition == "threat"), "group": group}
                 for condition in ("threat", "calm")]
    return pd.DataFrame(rows)


def test_group_by_condition_is_the_difference_of_the_conditions() -> None:
    table = two_conditions({"A": 9, "B": 11})
    options = CompareOptions((), ("A", "B"), "preexisting", conditions=("threat", "calm"), stats=FEW)
    row = compare(table, options).effects.query("se_kind == 'classical'").iloc[0]
    wide = table.pivot(index=["subject", "group"], columns="contrast", values="value")
    difference = (wide["threat"] - wide["calm"]).groupby("group").mean()
    assert row["contrast"] == "threat-calm"
    assert row["estimate"] == pytest.approx(difference["A"] - difference["B"], rel=1e-12)
    assert (row["n_first"], row["n_second"], row["df"]) == (9, 11, 18)


def test_group_by_condition_says_what_is_missing() -> None:
    table = two_conditions({"A": 4, "B": 4})
    with pytest.raises(UsageError, match="no condition clam in the column contrast") as error:
        compare(table, CompareOptions((), ("A", "B"), conditions=("threat", "clam"), stats=FEW))
    assert "calm, threat" in error.value.hint
    with pytest.raises(UsageError, match="1 conditions are named"):
        compare(table, CompareOptions((), ("A", "B"), conditions=("threat",), stats=FEW))
    only = table[[("A" in s) == (c == "calm") for s, c in zip(table["subject"], table["contrast"], strict=True)]]
    with pytest.raises(DataError, match="nobody has a value in both conditions"):
        compare(only, CompareOptions((), ("A", "B"), conditions=("threat", "calm"), stats=FEW))


@pytest.mark.parametrize(("groups", "said"), [
    (("A", "B"), "max-T over 3 ROIs, 199 sign flips of whole subjects' residuals"),
    (("A",), "max-T over 3 ROIs, all 1024 sign flips of whole subjects (exact)")])
def test_courses_over_three_sessions_are_flipped(make_table, groups: tuple[str, ...], said: str) -> None:
    options = CompareOptions(("pre", "post", "later"), groups, stats=FEW)
    table = make_table(dict.fromkeys(groups, 10), ("pre", "post", "later"))
    result = compare(table, options)
    notes = [n.split(": ", 1)[1] for n in result.notes if ",".join(options.sessions) in n and "max-T" in n]
    assert notes == [said]
    assert result.effects.query("primary")["p_fwe"].notna().all()
