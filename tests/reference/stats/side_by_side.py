"""Values of pingouin and statsmodels on the data of values.csv, for test_side_by_side.py.

    python -m venv side && side/bin/pip install pingouin==0.7.0 statsmodels==0.15.0
    side/bin/python side_by_side.py        (in this folder)

Writes side_by_side.csv and side_by_side_versions.txt. deltaroi does not depend on pingouin.
"""

from __future__ import annotations

import csv
import platform
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd
import pingouin as pg
import statsmodels.api as sm
from statsmodels.stats.diagnostic import het_breuschpagan
from statsmodels.stats.outliers_influence import OLSInfluence
from statsmodels.stats.weightstats import ttost_ind

HERE = Path(__file__).parent
ROWS: list[tuple[str, str, str, str]] = []


def put(case: str, what: str, **numbers: float) -> None:
    """Keep numbers of one call."""
    ROWS.extend((case, what, field, f"{float(value):.12g}") for field, value in numbers.items())


def people(dataset: str, region: str) -> pd.DataFrame:
    """One row per subject with both sessions, by subject."""
    frame = pd.read_csv(HERE / "values.csv", dtype={"subject": str})
    frame = frame[(frame["dataset"] == dataset) & (frame["region"] == region)]
    table = frame.pivot(index=["subject", "group", "age"], columns="session", values="value").dropna().reset_index()
    table["a"] = (table["group"] == "A").astype(float)
    table["change"] = table["post"] - table["pre"]
    return table.sort_values("subject").reset_index(drop=True)


def of_pingouin(case: str, w: pd.DataFrame) -> None:
    """t tests, effect sizes, correlations, reliability."""
    first, second = w.loc[w["a"] == 1], w.loc[w["a"] == 0]
    x, y = first["change"].to_numpy(), second["change"].to_numpy()
    t = pg.ttest(x, y, correction=False).iloc[0]
    put(case, "t_two", statistic=t["T"], p=t["p_val"], df=t["dof"], bf10=float(t["BF10"]))
    put(case, "g", value=pg.compute_effsize(x, y, eftype="hedges"))
    put(case, "tost_two", p=pg.tost(x, y, bound=0.2)["pval"].iloc[0])
    pre, post = first["pre"].to_numpy(), first["post"].to_numpy()
    t = pg.ttest(post, pre, paired=True).iloc[0]
    d = pg.compute_effsize(post, pre, paired=True, eftype="cohen")
    low, high = pg.compute_esci(stat=d, nx=pre.size, ny=pre.size, paired=True, decimals=10)
    put(case, "t_paired", statistic=t["T"], p=t["p_val"], bf10=float(t["BF10"]), d=d, d_low=low, d_high=high)
    r = pg.partial_corr(w, x="age", y="change", covar=["pre", "a"]).iloc[0]
    put(case, "partial", r=r["r"], p=r["p_val"])
    s = pg.corr(w["age"], w["change"], method="spearman").iloc[0]
    low, high = pg.compute_esci(stat=s["r"], nx=len(w), ny=len(w), eftype="r", decimals=10)
    put(case, "spearman", r=s["r"], p=s["p_val"], low=low, high=high)
    r = float(np.corrcoef(w["age"], w["change"])[0, 1])
    put(case, "bf_r", ultrawide=pg.bayesfactor_pearson(r, len(w), kappa=1.0),
        medium=pg.bayesfactor_pearson(r, len(w), kappa=1 / 3))
    long = w.melt(id_vars="subject", value_vars=["pre", "post"], var_name="session", value_name="value")
    icc = pg.intraclass_corr(long, targets="subject", raters="session", ratings="value").set_index("Type")["ICC"]
    names = {"two": [n for n in icc.index if n in ("ICC2", "ICC(A,1)")], "three": [n for n in icc.index
                                                                                   if n in ("ICC3", "ICC(C,1)")]}
    put(case, "icc", **{name: icc[found[0]] for name, found in names.items()})


def of_statsmodels(case: str, w: pd.DataFrame) -> None:
    """Linear models, influence, equivalence, robust regression."""
    design = sm.add_constant(w[["pre", "a", "age"]].to_numpy())
    for kind, options in {"classical": {}, "hc3": {"cov_type": "HC3", "use_t": True}}.items():
        fit = sm.OLS(w["post"].to_numpy(), design).fit(**options)
        put(case, f"ancova:{kind}", estimate=fit.params[2], se=fit.bse[2], p=fit.pvalues[2])
    plain = sm.OLS(w["post"].to_numpy(), design).fit(cov_type="HC3")
    put(case, "ancova:normal", p=plain.pvalues[2])
    fit = sm.OLS(w["post"].to_numpy(), design).fit()
    influence = OLSInfluence(fit)
    put(case, "influence", cook=influence.cooks_distance[0].max(), leverage=influence.hat_matrix_diag.max(),
        spread_p=het_breuschpagan(fit.resid, design)[1])
    x, y = w.loc[w["a"] == 1, "change"], w.loc[w["a"] == 0, "change"]
    put(case, "tost_pooled", p=ttost_ind(x, y, -0.2, 0.2, usevar="pooled")[0])
    put(case, "tost_welch", p=ttost_ind(x, y, -0.2, 0.2, usevar="unequal")[0])
    age, change = w["age"].to_numpy(float).copy(), w["change"].to_numpy().copy()
    age[:3] += 15
    change[:3] += 6
    moved = sm.add_constant(np.column_stack([w["a"], age]))
    put(case, "rlm", bisquare=sm.RLM(change, moved, M=sm.robust.norms.TukeyBiweight()).fit().params[2],
        huber=sm.RLM(change, moved, M=sm.robust.norms.HuberT()).fit().params[2])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for names in (("balanced", "amygdala"), ("unbalanced", "VTA"), ("covariates", "AI"), ("dropouts", "VTA")):
        table = people(*names)
        of_pingouin("/".join(names), table)
        of_statsmodels("/".join(names), table)
    with (HERE / "side_by_side.csv").open("w", newline="") as stream:
        csv.writer(stream, lineterminator="\n").writerows([("case", "what", "field", "value"), *ROWS])
    packages = ("pingouin", "statsmodels", "scipy", "numpy", "pandas")
    (HERE / "side_by_side_versions.txt").write_text("\n".join(
        [f"Python {platform.python_version()}", *(f"{name} {version(name)}" for name in packages)]) + "\n")
