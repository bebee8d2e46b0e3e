"""The statistics of replications against R: ``Rscript replication.R`` (versions in replication_versions.txt).

And against a published table: the replication Bayes factors of the Social Sciences Replication Project in Pawel and
Held (2022), table 1, with the digits that R's BayesRep tests itself by (inst/tinytest/test-BF.R); there the Bayes
factor is of no effect over the original's.
"""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from deltaroi.stats import replication, standardised
from deltaroi.stats.replication_bayes import log_bf_normal

HERE = Path(__file__).parent


def cases(name: str) -> list[dict[str, float]]:
    return pd.read_csv(HERE / name).to_dict("records")


def numbers(original: standardised.Result, new: standardised.Result, bound: float) -> dict[str, float]:
    telescopes, prediction = replication.small_telescopes(original, new), replication.prediction_interval(original, new)
    return {"log_bf": replication.replication_bayes(original, new).log_bf, "prediction_low": prediction.low,
            "prediction_high": prediction.high, "third": telescopes.effect, "p_smaller": telescopes.p,
            "detectable_80": replication.detectable_effect(original), "p_bound": replication.within_bound_p(new, bound)}


@pytest.mark.parametrize("row", cases("replication_t.csv"))
def test_t(row: dict[str, float]) -> None:
    original = standardised.from_t(row["kind"], row["t"], row["n1"], row["n2"])
    new = standardised.from_t(row["kind"], row["t_new"], row["n1_new"], row["n2_new"])
    assert (original.value, original.low, original.high) == pytest.approx(
        (row["value"], row["low"], row["high"]), rel=1e-7)
    for name, value in numbers(original, new, row["bound"]).items():
        assert value == pytest.approx(row[name], rel=1e-6, abs=1e-9), name


@pytest.mark.parametrize("row", cases("replication_r.csv"))
def test_r(row: dict[str, float]) -> None:
    original, new = standardised.from_r(row["r"], row["n"]), standardised.from_r(row["r_new"], row["n_new"])
    for name, value in numbers(original, new, row["bound"]).items():
        assert value == pytest.approx(row[name], rel=1e-7, abs=1e-9), name


@pytest.mark.parametrize(("study", "t", "n", "t_new", "n_new", "bf_0r"), [
    ("Ackerman 2010", 2.02, (26, 28), 1.5351, (296, 303), 3.2425436178894),
    ("Gervais 2012", 2.24, (26, 31), -0.82, (262, 269), 36.8293701822416),
    ("Karpicke 2011", 4.65, (20, 20), 2.8825, (23, 26), 0.0865954100114667),
    ("Kidd 2013", 2.53, (43, 43), -0.726, (349, 365), 68.5206475865596),
    ("Morewedge 2010", 2.78, (16, 16), 3.54, (44, 45), 0.00639050298948843),
    ("Ramirez 2011", 5.53, (10, 10), -0.7352, (45, 34), 17376.1099486192),
    ("Aviezer 2012", 13.07, (15,), 5.342, (14,), 0.0243407752343321),
    ("Duncan 2012", 3.41, (15,), 4.6276, (92,), 0.000414919994401764),
    ("Kovacs 2010", 2.42, (24,), 7.0152, (95,), 0.00000000744262267585224),
    ("Sparrow 2011", 3.26, (69,), 0.7579, (234,), 31.8489025486167),
])
def test_published_bayes_factors(study: str, t: float, n: tuple[int, ...], t_new: float, n_new: tuple[int, ...],
                                 bf_0r: float) -> None:
    kind = "g" if len(n) == 2 else "g_z"
    found = replication.replication_bayes(standardised.from_t(kind, t, *n), standardised.from_t(kind, t_new, *n_new))
    assert found.method == "noncentral_t"
    assert 1 / found.bf_r0 == pytest.approx(bf_0r, rel=1e-6), study


@pytest.mark.parametrize(("study", "value", "se", "new", "se_new", "bf_0r"), [
    ("Hauser 2014", 1.14417264341251, 0.164398987305357, 1.19476271568933, 0.229415733870562, 0.00000161275109902623),
    ("Kidd 2013", 0.275860006439804, 0.10976425998969, -0.0272611982545971, 0.0375029300308675, 72.2003426853402),
    ("Ramirez 2011", 1.07988209588739, 0.242535625036333, -0.0985013285629837, 0.114707866935281, 24995.5941001993),
])
def test_published_normal_bayes_factors(study: str, value: float, se: float, new: float, se_new: float,
                                        bf_0r: float) -> None:
    assert math.exp(-log_bf_normal(value, se, new, se_new)) == pytest.approx(bf_0r, rel=1e-9), study
