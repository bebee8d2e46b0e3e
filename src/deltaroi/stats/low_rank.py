"""Covariances of many residuals that are a diagonal and a few directions: sums over all their pairs without all pairs.

Degrees of freedom of robust errors are sums over every pair of subjects. With n subjects the covariances have n²
entries, but they come from n variances and the few columns of a model, and so do the sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from deltaroi.stats.record import Array


@dataclass(frozen=True, eq=False)
class DiagonalMinus:
    """The symmetric matrix diag(own) - sides · core · sides', shape (n, n), which is never made whole.

    Attributes
    ----------
    own : ndarray, shape (n,)
    sides : ndarray, shape (n, k)
    core : ndarray, shape (k, k)
        Symmetric.
    """

    own: Array
    sides: Array
    core: Array

    @cached_property
    def diagonal(self) -> Array:
        """Its diagonal, shape (n,)."""
        return np.asarray(self.own - ((self.sides @ self.core) * self.sides).sum(axis=1))

    def rows(self, at: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Array:
        """Some of its rows, shape (rows, n)."""
        found = -(self.sides[at] @ self.core) @ self.sides.T
        found[np.arange(at.size), at] += self.own[at]
        return np.asarray(found)

    def products(self, other: DiagonalMinus, columns: Array) -> Array:
        """columns' · (self ∘ other) · columns, where ∘ multiplies entry by entry.

        Parameters
        ----------
        other : DiagonalMinus
            Of the same n.
        columns : ndarray, shape (n, m)

        Returns
        -------
        ndarray, shape (m, m)

        Notes
        -----
        With U = sides · core · sides' of either, Σᵢⱼ fᵢgⱼuᵢⱼu'ᵢⱼ = tr(core · C(f) · core' · C(g)') for C(f) = Σᵢ fᵢ ·
        sideᵢ · side'ᵢ'. Rows whose diagonal nearly cancels, which belong to values that the model almost reproduces
        and so have large factors, are few (their leverages add up to no more than the model's columns) and are made
        whole.
        """
        cancels = (self.diagonal < self.own / 2) | (other.diagonal < other.own / 2)
        whole = np.flatnonzero(cancels)
        light = np.where(cancels[:, None], 0.0, columns)
        taken = (self.own - self.diagonal) * (other.own - other.diagonal)
        sums = np.einsum("ia,ik,il->akl", light, self.sides, other.sides, optimize=True)
        found = (light * (self.diagonal * other.diagonal - taken)[:, None]).T @ light
        found = found + np.einsum("akl,bkl->ab", self.core @ sums @ other.core, sums)
        if whole.size:
            part = columns[whole].T @ (rows := self.rows(whole) * other.rows(whole)) @ columns
            found = found + part + part.T - columns[whole].T @ rows[:, whole] @ columns[whole]
        return np.asarray(found)


def projected(basis: Array, variances: Array | None = None) -> DiagonalMinus:
    """The covariance MSM of residuals, with M = I - BB'.

    Parameters
    ----------
    basis : ndarray, shape (n, p)
        B, orthonormal columns.
    variances : ndarray, shape (n,), optional
        The diagonal of S; by default ones.
    """
    n, p = basis.shape
    if variances is None:
        return DiagonalMinus(np.ones(n), basis, np.eye(p))
    scaled = variances[:, None] * basis
    core = np.block([[-(basis.T @ scaled), np.eye(p)], [np.eye(p), np.zeros((p, p))]])
    return DiagonalMinus(variances, np.concatenate([basis, scaled], axis=1), core)
