"""Components of the simulated confounds, where LAPACK's divide and conquer gives up."""

from __future__ import annotations

import numpy as np
import pytest

from deltaroi.simulator.confounds import components


def test_components_where_divide_and_conquer_does_not_converge(monkeypatch: pytest.MonkeyPatch) -> None:
    data = np.random.default_rng(1).standard_normal((40, 12))
    left, singular = components(data)

    def gives_up(*_: object, **__: object) -> None:
        raise np.linalg.LinAlgError("SVD did not converge")

    monkeypatch.setattr(np.linalg, "svd", gives_up)
    again, values = components(data)
    assert values == pytest.approx(singular, rel=1e-10)
    assert np.abs((again * left).sum(axis=0)) == pytest.approx(1.0, abs=1e-10)
