"""Published statistics as p values and effect sizes, and the random-effects mean, against R.

The R values are in ``evidence_reference.csv``, made by ``Rscript evidence.R`` (R 4.2.2; package versions in
``evidence_versions.txt``): ``pt``, ``pf``, ``cor.test``, effectsize's ``hedges_g`` of samples that have exactly
the wanted t, metafor's ``escalc``, ``rma(method = "PM", test = "knha" and "adhoc")`` and ``predict``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from deltaroi.stats import conversions
from deltaroi.stats.pooling import Pooled, random_effects

HERE = Path(__file__).parent
SETS = ["apart", "alike", "three", "many"]


@cache
def reference() -> dict[tuple[str, str], dict[str, float]]:
    frame = pd.read_csv(HERE / "evidence_reference.csv", dtype={"case": str})
    return {key: dict(zip(part["field"], part["value"], strict=True)) for key, part in frame.groupby(["case", "what"])}


def cases(what: str) -> Iterator[tuple[list[float], dict[str, float]]]:
    found = [([float(x) for x in case.split(",")], numbers) for (case, name), numbers in reference().items()
             if name == what]
    assert found
    yield from found


def test_every_reference_is_used() -> None:
    assert {what for _, what in reference()} == {"t", "F", "r", "z", "g_z", "g", "rma", "set"}


def test_t_and_f() -> None:
    for (t, df), expected in cases("t"):
        assert conversions.p_of_t(t, df) == pytest.approx(expected["p"], rel=1e-9)
        assert conversions.r_of_t(t, df) == pytest.approx(expected["r"], rel=1e-9)
    for (f, df1, df2), expected in cases("F"):
        assert conversions.p_of_f(f, df1, df2) == pytest.approx(expected["p"], rel=1e-9)
        assert conversions.eta2_of_f(f, df1, df2) == pytest.approx(expected["eta2"], rel=1e-9)
        assert conversions.f_of_eta2(expected["eta2"], df1, df2) == pytest.approx(f, rel=1e-9)


def test_correlations() -> None:
    for (r, n), expected in cases("r"):
        found = conversions.r_of_n(r, n)
        assert conversions.p_of_r(r, n - 2) == pytest.approx(expected["p"], rel=1e-9)
        assert conversions.t_of_r(r, n - 2) == pytest.approx(expected["t"], rel=1e-9)
        assert (found.low, found.high, found.variance) == pytest.approx(
            (expected["low"], expected["high"], expected["variance"]), rel=1e-9)


def test_z_and_the_t_with_the_same_tail() -> None:
    for (z, df), expected in cases("z"):
        assert conversions.p_of_z(z) == pytest.approx(expected["p"], rel=1e-9)
        assert conversions.t_of_z(z, df) == pytest.approx(expected["t"], rel=1e-8)
        assert conversions.t_of_p(expected["p"], df) == pytest.approx(abs(expected["t"]), rel=1e-8)


@pytest.mark.parametrize("kind", ["g", "g_z"])
def test_standardised_differences(kind: str) -> None:
    """Value and interval are effectsize's (which inverts R's less exact noncentral t), value and variance metafor's."""
    for numbers, expected in cases(kind):
        found = conversions.g_of_t(*numbers) if kind == "g" else conversions.g_z_of_t(*numbers)
        assert found.value == pytest.approx(expected["metafor"], rel=1e-8)
        assert found.variance == pytest.approx(expected["variance"], rel=1e-8)
        assert (found.value, found.low, found.high) == pytest.approx(
            (expected["value"], expected["low"], expected["high"]), rel=2e-5, abs=2e-5)


@cache
def pooled(name: str) -> Pooled:
    numbers = [values for (case, what), values in reference().items() if what == "set" and case.split(",")[0] == name]
    assert len(numbers) > 2
    return random_effects(np.array([n["y"] for n in numbers]), np.array([n["v"] for n in numbers]))


@pytest.mark.parametrize("name", SETS)
def test_random_effects_mean(name: str) -> None:
    """metafor's ``adhoc`` is Knapp and Hartung's interval that is never narrower than the uncorrected one."""
    expected = dict(reference()[f"{name},adhoc", "rma"])
    expected.pop("se")
    found = pooled(name)
    assert {field: getattr(found, field) for field in expected} == pytest.approx(expected, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("name", SETS)
def test_knapp_and_hartungs_own_interval(name: str) -> None:
    """Ours, but for a scale below 1, which theirs leaves there: with effects more alike than chance lets expect."""
    expected, found = reference()[f"{name},knha", "rma"], pooled(name)
    shrink = math.sqrt(min(found.scale, 1.0))
    half = (found.high - found.estimate) * shrink
    assert (found.estimate - half, found.estimate + half) == pytest.approx(
        (expected["low"], expected["high"]), rel=1e-5, abs=1e-7)
    assert (found.scale < 0.99) == (name == "alike")
