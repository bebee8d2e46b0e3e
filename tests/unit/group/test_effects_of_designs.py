"""Which rows a design makes, which one leads, and who is in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from deltaroi.errors import DataError, StudyError, TableError
from deltaroi.group import CompareOptions, GroupDesign, analyse, compare, quality
from deltaroi.specs import Groups, GroupStats
from deltaroi.tables import EFFECTS, conform

FEW = GroupStats(permutations=200, seed=1)
TWO = CompareOptions(("pre", "post"), ("A", "B"), stats=FEW)
ROI = ["specification", "contrast", "summary", "region", "hemisphere", "definition"]
NUMBERS = [c.name for c in EFFECTS.columns if c.kind in ("number", "count")]


def options(groups: tuple[str, ...] = ("A", "B"), sessions: tuple[str, ...] = ("pre", "post"),
            assignment: str = "randomised", **stats: object) -> CompareOptions:
    return CompareOptions(sessions, groups, assignment, stats=GroupStats(**{"permutations": 99, **stats}))


@pytest.mark.parametrize(("asked", "expected"), [
    (options(), ("ancova", "group_difference", "A-B|post-pre", "hc2_welch")),
    (options(variance="hc3"), ("ancova", "group_difference", "A-B|post-pre", "hc3")),
    (options(variance="hc3", primary="change"), ("change", "group_difference", "A-B|post-pre", "welch")),
    (options(variance="classical"), ("ancova", "group_difference", "A-B|post-pre", "classical")),
    (options(assignment="preexisting"), ("change", "group_difference", "A-B|post-pre", "welch")),
    (options(assignment="preexisting", variance="classical"),
     ("change", "group_difference", "A-B|post-pre", "classical")),
    (options(primary="change"), ("change", "group_difference", "A-B|post-pre", "welch")),
    (options(groups=("A",)), ("paired", "session_within:A", "A|post-pre", "classical")),
    (options(groups=("A", "C", "B")), ("ancova", "group_difference", "A,C,B|post-pre", "hc2_welch")),
    (options(sessions=("pre", "post", "later")), ("lmm", "group_x_session", "A-B|pre,post,later", "cr2_welch")),
    (options(sessions=("pre", "post", "later"), groups=("A", "C", "B")),
     ("lmm", "group_x_session", "A,C,B|pre,post,later", "cr2_welch")),
    (options(sessions=("pre", "post", "later"), primary="ancova"),
     ("ancova", "group_difference", "A-B|later-pre", "hc2_welch")),
    (options(primary="lmm"), ("lmm", "group_x_session", "A-B|post-pre", "cr2_welch")),
    (options(primary="lmm", variance="classical"), ("lmm", "group_x_session", "A-B|post-pre", "satterthwaite")),
    (options(sessions=("post",)), ("two_sample", "group_difference", "A-B", "welch")),
    (options(sessions=("post",), groups=("A",)), ("one_sample", "mean", "A-0", "classical")),
    (options(sessions=("post",), groups=("A", "C", "B")), ("two_sample", "group_difference", "A,C,B", "welch")),
])
def test_exactly_one_primary_row_per_roi(make_table, asked: CompareOptions, expected: tuple[str, ...]) -> None:
    sessions = ("pre", "post", "later")[: max(len(asked.sessions), 2)]
    table = make_table({"A": 6, "C": 5, "B": 7}, sessions)
    effects = compare(table, asked).effects
    primary = effects[effects["primary"]]
    assert (primary.groupby(ROI).size() == 1).all()
    assert len(primary) == 3
    found = set(primary[["model", "term", "comparison", "se_kind"]].itertuples(index=False, name=None))
    assert found == {expected}
    assert primary["p_fwe"].notna().all()


def test_both_estimators_and_both_errors_stand_in_the_table(make_table) -> None:
    effects = compare(make_table({"A": 9, "B": 9}), TWO).effects
    kinds = set(effects[["model", "term", "se_kind"]].itertuples(index=False, name=None))
    assert kinds == {("ancova", "group_difference", "hc2_welch"), ("ancova", "group_difference", "hc3"),
                     ("ancova", "group_difference", "classical"),
                     ("change", "group_difference", "welch"), ("change", "group_difference", "classical"),
                     ("mixed_anova", "group_x_session", "classical"), ("lmm", "group_x_session", "satterthwaite"),
                     ("lmm", "group_difference", "satterthwaite"), ("lmm", "group_x_session", "cr2_welch"),
                     ("lmm", "group_difference", "cr2_welch"), ("paired", "session_within:A", "classical"),
                     ("paired", "session_within:B", "classical"), ("two_sample", "group_at_baseline", "welch"),
                     ("two_sample", "group_at_baseline", "classical")}
    assert conform(effects, EFFECTS).equals(effects)


def test_mixed_anova_is_the_square_of_the_change_score(make_table) -> None:
    effects = compare(make_table({"A": 9, "B": 12}), TWO).effects
    change = effects.query("model == 'change' and se_kind == 'classical'").set_index("region")
    mixed = effects.query("model == 'mixed_anova'").set_index("region")
    assert np.allclose(mixed["statistic"], change["statistic"] ** 2)
    assert np.allclose(mixed["p"], change["p"])


def test_direction_is_first_minus_second_and_last_minus_first() -> None:
    rows = [(s, g, t, "r", v) for g, gain in (("A", 2.0), ("B", 0.5)) for k, s in enumerate(f"{g}{i}" for i in range(4))
            for t, v in (("pre", float(k)), ("post", k + gain + 0.1 * (k % 2)))]
    table = pd.DataFrame(rows, columns=["subject", "group", "session", "region", "value"])
    effects = compare(table, TWO).effects
    change = effects.query("model == 'change' and se_kind == 'welch'").iloc[0]
    assert change["estimate"] == pytest.approx(1.5)
    within = effects.query("term == 'session_within:B'").iloc[0]
    assert within["estimate"] == pytest.approx(0.55)
    assert "higher in A than in B" in change["reading"]


def test_rows_and_subjects_in_any_order_make_the_same_table(make_table) -> None:
    table = make_table({"A": 8, "B": 9}, gain=1)
    shuffled = table.sample(frac=1, random_state=3)
    pd.testing.assert_frame_equal(compare(table, TWO).effects, compare(shuffled, TWO).effects)


def test_another_roi_does_not_change_the_permutations(make_table) -> None:
    """max-T over two ROIs is that of the joint null; a constant third ROI adds no statistic, so nothing moves."""
    table = make_table({"A": 8, "B": 9}, rois=2, gain=1)
    more = table[table["region"] == "r0"].assign(region="flat", value=1.0)
    alone = compare(table, TWO).effects.query("primary").set_index("region")
    both = compare(pd.concat([table, more]), TWO).effects.query("primary").set_index("region")
    assert alone["p_fwe"].tolist() == both.loc[["r0", "r1"], "p_fwe"].tolist()
    assert np.isnan(both.loc["flat", "p_fwe"])
    assert both["family_size"].unique().tolist() == [2]


def test_seed_and_permutations_are_what_is_asked(make_table) -> None:
    table = make_table({"A": 10, "B": 10}, gain=0.8)
    one, again, other = (compare(table, options(seed=s, permutations=500)).effects["p_fwe"] for s in (1, 1, 2))
    assert one.equals(again)
    assert not one.equals(other)
    assert compare(table, options(permutations=0)).effects["p_fwe"].isna().all()


def test_family_wise_p_never_claims_more_than_relabelling_can(make_table) -> None:
    table = make_table({"A": 4, "B": 5}, rois=1, gain=60)
    row = compare(table, options(permutations=20000)).effects.query("primary").iloc[0]
    assert row["p_fwe"] >= 1 / 126


def test_all_contrasts_are_one_family_when_asked(make_table) -> None:
    table = pd.concat([make_table({"A": 8, "B": 8}, seed=s).assign(contrast=f"c{s}") for s in range(2)])
    narrow = compare(table, TWO).effects.query("primary")
    wide = compare(table, CompareOptions(("pre", "post"), ("A", "B"), stats=FEW, family="all_contrasts")).effects
    wide = wide.query("primary")
    assert narrow["family_size"].unique().tolist() == [3]
    assert wide["family_size"].unique().tolist() == [6]
    assert (wide["p_fwe"].to_numpy() >= narrow["p_fwe"].to_numpy()).all()
    assert wide["family"].nunique() == 1
    assert "all contrasts" in wide["family"].iloc[0]


def test_missing_last_session_is_listed_and_left_out(make_table) -> None:
    table = make_table({"A": 8, "B": 8})
    table = table[~((table["subject"] == "002") & (table["session"] == "post"))]
    table.loc[(table["subject"] == "009") & (table["region"] == "r1") & (table["session"] == "pre"), "value"] = np.nan
    result = compare(table, TWO)
    assert [(e.subject, e.session, e.region) for e in result.exclusions] == [
        ("002", "post", "n/a"), ("009", "pre", "r1-B value")]
    assert all("left out of every comparison" in e.reason for e in result.exclusions)
    n = result.effects.query("primary").set_index("region")["n"]
    assert n.to_dict() == {"r0": 15, "r1": 14, "r2": 15}
    assert result.effects.query("primary")["p_fwe"].notna().all()


def test_another_group_label_is_listed(make_table) -> None:
    result = compare(make_table({"A": 5, "B": 5, "C": 1}), TWO)
    assert [(e.subject, e.value, e.threshold) for e in result.exclusions] == [("010", "C", "A, B")]


def test_covariates_enter_and_gaps_are_listed(make_table) -> None:
    table = make_table({"A": 8, "B": 9})
    people = pd.DataFrame({"participant_id": sorted(f"sub-{s}" for s in set(table["subject"])),
                           "age": [*map(str, range(20, 36)), "n/a"], "site": [*"xyz" * 5, "x", "y"], "same": "1"})
    result = compare(table, CompareOptions(("pre", "post"), ("A", "B"), participants=people,
                                           covariates=("age", "site", "same"), stats=FEW))
    primary = result.effects.query("primary")
    assert primary["n"].tolist() == [16, 16, 16]
    assert (primary["df"] < 16 - 6).all()
    assert set(result.effects.query("model == 'ancova' and se_kind == 'hc3'")["df"]) == {16 - 6}
    assert [e.reason for e in result.exclusions] == ["covariate 'age' is missing"]
    assert any("'same' does not vary" in w for w in result.warnings)
    assert any("'site' is dummy coded against 'x'" in n for n in result.notes)
    kinds = set(result.effects.query("model == 'change'")["se_kind"])
    assert kinds == {"hc2_welch", "hc3", "classical"}


def test_a_word_among_numbers_is_an_error(make_table) -> None:
    table = make_table({"A": 4, "B": 4})
    table["age"] = [("unknown" if s == "003" else "30") for s in table["subject"]]
    with pytest.raises(DataError, match="'unknown' \\(subject 003\\)"):
        compare(table, CompareOptions(("pre", "post"), ("A", "B"), covariates=("age",), stats=FEW))


def test_lord_s_paradox_is_said(make_table) -> None:
    result = compare(make_table({"A": 40, "B": 40}, gap=2.0, rois=1, seed=2), TWO)
    rows = result.effects.set_index(["model", "se_kind"])
    assert rows.loc[("ancova", "hc2_welch"), "p"] < 0.05 < rows.loc[("change", "welch"), "p"]
    assert "Lord's paradox" in rows.loc[("ancova", "hc2_welch"), "reading"]
    assert any("Lord's paradox" in w for w in result.warnings)


@pytest.mark.parametrize(("primary", "groups", "sessions", "says"), [
    ("lmm", ("A", "B"), ("post",), "does not fit"),
    ("paired", ("A", "B"), ("pre", "post"), "does not fit"),
    ("ancova", ("A",), ("pre", "post"), "does not fit"),
    ("two_sample", ("A", "B"), ("pre", "post"), "does not fit"),
])
def test_a_primary_that_does_not_fit_is_refused(make_table, primary: str, groups: tuple[str, ...],
                                                sessions: tuple[str, ...], says: str) -> None:
    with pytest.raises(StudyError, match=says):
        compare(make_table({"A": 4, "B": 4}), options(groups, sessions, primary=primary))


def test_design_from_a_study_file(make_table) -> None:
    people = pd.DataFrame({"participant_id": ["01", "02"], "age": ["30", "40"], "arm": ["A", "B"]})
    groups = Groups(column="arm", levels=["A", "B"], assignment="randomised", covariates=["age"])
    design = GroupDesign.from_study(groups, ["pre", "post"], people)
    assert design.levels == ("A", "B")
    assert design.covariates is not None
    assert design.covariates.loc["02", "age"] == "40"
    with pytest.raises(StudyError, match="height"):
        GroupDesign.from_study(groups.model_copy(update={"covariates": ["height"]}), [], people)
    with pytest.raises(StudyError, match="how people came"):
        GroupDesign(("pre", "post"), ("A", "B"))


def test_responses_with_two_tasks_or_groups_are_refused(make_table) -> None:
    table = make_table({"A": 3, "B": 3}).assign(specification="main", task="x", hemisphere="L", definition="d",
                                                contrast="c", summary="mean", unit="%")
    design = GroupDesign(("pre", "post"), ("A", "B"), "randomised")
    with pytest.raises(TableError, match="several tasks"):
        analyse(pd.concat([table, table.assign(task="y")]), design, FEW)
    with pytest.raises(TableError, match="two rows have the same key"):
        analyse(pd.concat([table, table]), design, FEW)
    with pytest.raises(TableError, match="subject 000 has the groups A, B"):
        analyse(table.assign(group=["B" if i == 0 else g for i, g in enumerate(table["group"])]), design, FEW)
    with pytest.raises(DataError, match="no subject has one of the group labels"):
        analyse(table.assign(group="Z"), design, FEW)


def test_quality_differences_are_tested(make_table) -> None:
    table = make_table({"A": 6, "B": 6}, gain=8).assign(hemisphere="L", definition="d", coverage=1.0)
    table = table.rename(columns={"value": "tsnr"})
    design = GroupDesign(("pre", "post"), ("A", "B"), "randomised")
    found = quality(table, design).set_index(["measure", "region", "term"])
    assert found.loc[("tsnr", "r0", "group_x_session"), "p"] < 1e-4
    assert found.loc[("tsnr", "r0", "group_x_session"), "estimate"] > 5
    assert found.loc["coverage", "p"].isna().all()
    assert set(found.index.get_level_values("term")) == {"session", "group", "group_x_session"}
    one = quality(table, GroupDesign(("pre", "post")))
    assert set(one["term"]) == {"session"}


def test_result_writes_its_tables(make_table, tmp_path) -> None:
    result = compare(make_table({"A": 4, "B": 4, "C": 1}), TWO)
    result.write(tmp_path)
    names = ("effects", "effect_sizes", "bayes", "assumptions", "residuals", "exclusions")
    assert {p.name for p in tmp_path.iterdir()} == {f"{name}.{end}" for name in names for end in ("tsv", "json")}
