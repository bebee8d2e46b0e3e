"""The linear mixed models against lmerTest: ``Rscript mixed_reference.R BIDS_DIR`` (versions in mixed_versions.txt)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deltaroi.stats import mixed, mixed_designs

HERE = Path(__file__).parent
FITS = pd.read_csv(HERE / "mixed_fits.csv", keep_default_na=False)
TESTS = pd.read_csv(HERE / "mixed_tests.csv", dtype={"sessions": str, "groups": str})
SIMULATED = FITS[~FITS["dataset"].str.startswith("ratings")]
MODELS = list(SIMULATED[["dataset", "model"]].itertuples(index=False, name=None))
REAL = list(FITS[FITS["dataset"].str.startswith("ratings")][["dataset", "model"]].itertuples(index=False, name=None))
ESTIMATE, LOOSER = 1e-6, 5e-5  # six digits of estimates and errors are promised, three of df, t, F and p


Named = dict[tuple[str, str, str], mixed_designs.Contrast]


def fitted(data: pd.DataFrame, row: pd.Series) -> tuple[mixed.MixedFit, Named]:
    """Our fit of a line of mixed_fits.csv, and its contrasts by R's names."""
    groups, sessions = sorted(set(data["group"])), sorted(set(data["session"]))
    times = [float(data.loc[data["session"] == s, "time"].iloc[0]) for s in sessions]
    group = data["group"].map(groups.index).to_numpy()
    session = data["session"].map(sessions.index).to_numpy()
    extra = [name for name in str(row["covariates"]).split("+") if name]
    design = mixed_designs.session_design(group, session, (len(groups), len(sessions)),
                                          data[extra].to_numpy(dtype=float) if extra else None,
                                          row["model"] == "constrained")
    random = mixed_designs.slope_columns(session, times) if row["slope"] else None
    fit = mixed.fit_mixed(data["value"].to_numpy(), design.matrix, pd.factorize(data["subject"])[0], random)
    named = {(c.kind, "-".join(groups[g] for g in c.groups), "-".join(str(s + 1) for s in c.sessions)): c
             for c in mixed_designs.contrasts(design, times)}
    return fit, named


def check_against_r(data: pd.DataFrame, dataset: str, model: str) -> None:
    row = FITS.query("dataset == @dataset and model == @model").iloc[0]
    fit, named = fitted(data, row)
    assert (fit.n_subjects, fit.n_values, fit.singular) == (row["n_subjects"], row["n_values"], bool(row["singular"]))
    assert fit.converged
    assert not fit.problem
    assert bool(fit.note) == fit.singular
    pairs = [("deviance", fit.deviance, row["deviance"], 1e-9), ("sigma2", fit.sigma2, row["sigma2"], ESTIMATE)]
    for name, at in (("v11", (0, 0)), ("v12", (0, 1)), ("v22", (1, 1))):
        if row[name] != "":
            pairs.append((name, fit.random_covariance[at], float(row[name]), 1e-5))
    reference = TESTS.query("dataset == @dataset and model == @model").fillna({"sessions": ""})
    assert set(named) == set(reference[["kind", "groups", "sessions"]].itertuples(index=False, name=None))
    for line in reference.to_dict("records"):
        key = (line["kind"], line["groups"], line["sessions"])
        test = mixed_designs.test_contrast(fit, named[key])
        assert (test.kind == "F", test.df_between) == (np.isnan(line["estimate"]), line["df_between"])
        if test.kind == "t":
            pairs += [(f"{key} estimate", test.estimate, line["estimate"], ESTIMATE),
                      (f"{key} se", test.se, line["se"], ESTIMATE),
                      (f"{key} se_default", test.se, line["se_default"], LOOSER)]
        pairs += [(f"{key} {name}", value, line[name], LOOSER) for name, value in (
            ("df", test.df), ("statistic", test.statistic), ("p", test.p))]
        pairs.append((f"{key} df_default", test.df, line["df_default"], LOOSER))
    wrong = [f"{name}: {ours:.10g}, R {theirs:.10g}" for name, ours, theirs, digits in pairs
             if not np.isclose(ours, theirs, rtol=digits, atol=1e-10)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("dataset", "model"), MODELS)
def test_every_number_equals_lmertest(dataset: str, model: str) -> None:
    check_against_r(pd.read_csv(HERE / "mixed_values.csv").query("dataset == @dataset"), dataset, model)


@pytest.mark.parametrize(("dataset", "model"), REAL)
def test_picture_ratings_equal_lmertest(dataset: str, model: str, shared: Path) -> None:
    """Real pre/post data of two groups; those with one session take part."""
    bids = shared / "data" / "openneuro_ds003823" / "bids"
    people = pd.read_csv(bids / "participants.tsv", sep="\t", na_values=["n/a"]).set_index("participant_id")
    rows = []
    for path in sorted(bids.glob("sub-*/ses-*/func/*_task-emotionRegulation_events.tsv")):
        means = pd.read_csv(path, sep="\t", na_values=["n/a"]).groupby("trial_type")["rating"].mean()
        rows.append((path.parts[-4], path.parts[-3] == "ses-post", means["vn"] - means["vt"]))
    data = pd.DataFrame(rows, columns=["subject", "session", "value"])
    data["group"] = data["subject"].map(people["condition"]).map({"increase_HRV": "A", "decrease_HRV": "B"})
    data["age"] = (data["subject"].map(people["age_group"]) == "YA").astype(float)
    data["time"] = data["session"].astype(float)
    data = data.dropna(subset=["value", "group"])
    assert data.groupby("subject").size().eq(1).sum() > 20
    check_against_r(data, dataset, model)
