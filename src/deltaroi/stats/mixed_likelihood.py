"""The restricted likelihood of a linear mixed model, with its first and second derivatives in closed form.

The model of subject i is yᵢ = Xᵢ b + Zᵢ uᵢ + eᵢ with uᵢ ~ N(0, σ² Λ Λ') and eᵢ ~ N(0, σ² I); Λ is lower triangular and
its entries are θ, as in lme4 (Bates et al. 2015). Nothing of the size n × n is formed: the data enter by sums over the
subjects with the same Zᵢ'Zᵢ (the same sessions).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deltaroi.stats.record import Array

IntArray = NDArray[np.int64]
_LOWER = {q: np.tril_indices(q) for q in (1, 2)}


@dataclass(frozen=True, eq=False)
class Sums:
    """What the likelihood needs of the data; W = [X, y] has r + 1 columns, there are K kinds of subjects.

    Attributes
    ----------
    within : ndarray, shape (r + 1, r + 1)
        Products of W after the random effects' columns are projected out of every subject.
    square, inverse : ndarray, shape (K, q, q)
        A = Z'Z of a kind of subject, and its pseudo-inverse.
    products : ndarray, shape (K, q, q, r + 1, r + 1)
        Sums over its subjects of products of the rows of Z'W.
    counts : ndarray, shape (K,)
        Its number of subjects.
    n : int
        Number of values.
    reduced : ndarray, shape (n, r + 1)
        W after the projection.
    ranks : int
        Sum of the ranks of Zᵢ.
    """

    within: Array
    square: Array
    inverse: Array
    products: Array
    counts: Array
    n: int
    reduced: Array
    ranks: int

    @property
    def columns(self) -> int:
        """Number of columns of X."""
        return self.within.shape[0] - 1

    @property
    def effects(self) -> int:
        """Number of random effects per subject."""
        return self.square.shape[1]


@dataclass(frozen=True, eq=False)
class Expansion:
    """The restricted deviance at θ and what its derivatives are made of; m parameters, r coefficients.

    Attributes
    ----------
    value : float
        -2 log restricted likelihood at the best σ and b.
    gradient, hessian : ndarray, shapes (m,) and (m, m)
        Its derivatives by θ.
    full_hessian : ndarray, shape (m + 1, m + 1)
        Second derivatives by θ and σ of the deviance that is not profiled over σ.
    sigma2 : float
        The best residual variance.
    beta : ndarray, shape (r,)
        The best coefficients.
    inverse, slopes : ndarray, shapes (r, r) and (m, r, r)
        (X'V₀⁻¹X)⁻¹ with V₀ = V / σ², and its derivatives by θ.
    """

    value: float
    gradient: Array
    hessian: Array
    full_hessian: Array
    sigma2: float
    beta: Array
    inverse: Array
    slopes: Array


def collect(values: Array, subject: IntArray, random: Array) -> Sums:
    """Sum up W, shape (n, r + 1), over subjects numbered from 0, with Z of shape (n, q)."""
    (n, width), q, people = values.shape, random.shape[1], int(subject.max()) + 1
    square, rows = np.zeros((people, q, q)), np.zeros((people, q, width))
    np.add.at(square, subject, random[:, :, None] * random[:, None, :])
    np.add.at(rows, subject, random[:, :, None] * values[:, None, :])
    kinds, kind = np.unique(square.reshape(people, -1), axis=0, return_inverse=True)
    kind = kind.reshape(-1)
    kinds = kinds.reshape(-1, q, q)
    inverse: Array = np.linalg.pinv(kinds, rcond=1e-10, hermitian=True).astype(np.float64)
    ranks = np.linalg.matrix_rank(kinds, tol=1e-10 * np.abs(kinds).max(axis=(1, 2)), hermitian=True)
    reduced = values - np.einsum("na,nab->nb", random, (inverse[kind] @ rows)[subject])
    products = np.zeros((len(kinds), q, q, width, width))
    for k in range(len(kinds)):
        mine = rows[kind == k].reshape(-1, q * width)
        products[k] = (mine.T @ mine).reshape(q, width, q, width).transpose(0, 2, 1, 3)
    counts = np.bincount(kind, minlength=len(kinds))
    return Sums(reduced.T @ reduced, kinds, inverse, products, counts.astype(np.float64), n, reduced,
                int((ranks * counts).sum()))


def factor(theta: Array, q: int) -> Array:
    """Λ, shape (q, q): θ by columns in its lower triangle (q is 1 or 2)."""
    out = np.zeros((q, q))
    out[_LOWER[q]] = theta
    return out


def _joined(sums: Sums, theta: Array) -> tuple[Array, Array, float]:
    """W'V₀⁻¹W, (I + AD)⁻¹ with D = ΛΛ', and log|V₀|.

    V₀⁻¹ is taken as (I - P) + Z A⁺(I + AD)⁻¹ Z' with P the projection on Z: nothing is subtracted, so nothing is lost
    when subjects differ much more than sessions.
    """
    lower = factor(theta, sums.effects)
    middle = np.eye(sums.effects) + sums.square @ (lower @ lower.T)
    turned: Array = np.linalg.inv(middle).astype(np.float64)
    total = sums.within + np.tensordot(sums.inverse @ turned, sums.products, axes=3)
    size = float(sums.counts @ np.log(np.linalg.det(middle)))
    return (total + total.T) / 2, turned, size


def deviance(sums: Sums, theta: Array) -> float:
    """-2 log restricted likelihood at θ and the best σ and b; infinite where rounding has undone the model."""
    total, _, size = _joined(sums, theta)
    r, free = sums.columns, sums.n - sums.columns
    try:
        root = np.linalg.cholesky(total)
    except np.linalg.LinAlgError:
        return math.inf
    diagonal = np.diag(root)
    return size + 2 * float(np.log(diagonal[:r]).sum()) + free * (
        1 + math.log(2 * math.pi * float(diagonal[r]) ** 2 / free))


def expand(sums: Sums, theta: Array) -> Expansion:
    """The deviance with its derivatives at θ, shape (m,) with m = q (q + 1) / 2.

    Notes
    -----
    With M = (D⁻¹ + A)⁻¹ = G D and G = (I + DA)⁻¹: Mⱼ = G Dⱼ G' and
    Mⱼₗ = G Dⱼₗ G' - Mₗ A Dⱼ G' - Mⱼ A Dₗ G'; W'V₀⁻¹W changes by -Z'W products weighted with these.
    """
    r, q, free = sums.columns, sums.effects, sums.n - sums.columns
    m, lower = len(theta), factor(theta, q)
    total, turned, size = _joined(sums, theta)
    units = np.array([factor(row, q) for row in np.eye(m)])
    first = units @ lower.T + lower @ units.swapaxes(1, 2)
    second = units[:, None] @ units[None].swapaxes(2, 3)
    second = second + second.swapaxes(2, 3)
    left = turned.swapaxes(1, 2)
    m1 = left @ first[:, None] @ turned  # (m, K, q, q)
    inner = sums.square @ first[:, None] @ turned
    crossed = m1[None, :] @ inner[:, None]  # Mₗ A Dⱼ G' at [j, l]
    m2 = left @ second[:, :, None] @ turned - crossed - crossed.swapaxes(0, 1)
    s1 = -np.tensordot(m1, sums.products, axes=3)
    s2 = -np.tensordot(m2, sums.products, axes=3)
    # log|V₀|
    pull = left @ first[:, None] @ sums.square
    size1 = np.trace(pull, axis1=2, axis2=3) @ sums.counts
    bend = left @ second[:, :, None] @ sums.square - pull[None, :] @ pull[:, None]
    size2 = np.trace(bend, axis1=3, axis2=4) @ sums.counts
    # log|X'V₀⁻¹X|
    inverse: Array = np.linalg.inv(total[:r, :r]).astype(np.float64)
    h1 = inverse @ s1[:, :r, :r]
    log1 = np.trace(h1, axis1=1, axis2=2)
    log2 = np.einsum("ab,jlba->jl", inverse, s2[:, :, :r, :r]) - np.einsum("jab,lba->jl", h1, h1)
    # residual sum of squares
    beta = inverse @ total[:r, r]
    rest = np.append(-beta, 1.0)
    pulls = s1 @ rest
    rss, rss1 = float(rest @ total @ rest), pulls @ rest
    rss2 = s2 @ rest @ rest - 2 * pulls[:, :r] @ inverse @ pulls[:, :r].T
    sigma2 = rss / free
    _, log0 = np.linalg.slogdet(total[:r, :r])
    value = size + float(log0) + free * (1 + math.log(2 * math.pi * sigma2))
    hessian = size2 + log2 + free * (rss2 / rss - np.outer(rss1, rss1) / rss**2)
    full = np.empty((m + 1, m + 1))
    full[:m, :m] = size2 + log2 + rss2 / sigma2
    full[:m, m] = full[m, :m] = -2 * rss1 / sigma2**1.5
    full[m, m] = 4 * free / sigma2
    return Expansion(value, size1 + log1 + free * rss1 / rss, hessian, full, sigma2, beta, inverse, -h1 @ inverse)
