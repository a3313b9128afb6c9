"""Which maps of a convolution are computed, and which of them each other map is to be a copy of.

Filters are clustered by k-means; of each cluster the real filter nearest to the mean is intrinsic, and the others
become its ghosts. For comparison the intrinsic filters may be drawn at random, be the first, or be the largest by their
sum of magnitudes; each other filter is then the ghost of the nearest of them.

Reference: Nie et al., 2021, arXiv:2101.08525, section 3.3; Arthur and Vassilvitskii, 2007 (k-means++).
"""

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from upres.lab.compress.ghost.layer import intrinsic_count

Intrinsic = Literal["kmeans", "random", "order", "l1"]
"""How intrinsic filters are chosen."""

RESTARTS = 10
_MOST_ROUNDS = 100

_Array = NDArray[np.float64]
_Places = NDArray[np.int64]


def choose(
    filters: NDArray[np.float32],
    share: float,
    *,
    groups: int = 1,
    intrinsic: Intrinsic = "kmeans",
    seed: tuple[int, ...] = (0,),
) -> tuple[list[int], list[int]]:
    """The intrinsic filters, and for every other one its place among them.

    Args:
        filters: ``(out, ...)``, the filters of a convolution.
        share: Share of ghosts.
        groups: Of the convolution; each chooses among its own filters.
        intrinsic: See `Intrinsic`.
        seed: Of whatever is drawn.

    Returns:
        Indices of the intrinsic filters, sorted within each group, group by group; and for each other filter, in the
        order of the filters, which of these (a place in the first list) it copies.

    Raises:
        ValueError: If there is no such way to choose.
    """
    if intrinsic not in _WAYS:
        raise ValueError(f"expected intrinsic filters by {', '.join(_WAYS)}, got {intrinsic!r}")
    flat = filters.reshape(groups, len(filters) // groups, -1).astype(np.float64)
    wanted = intrinsic_count(len(filters), share, groups) // groups
    chosen: list[int] = []
    sources: list[int] = []
    for group, own in enumerate(flat):
        rng = np.random.default_rng((*seed, group))
        kept, source = _WAYS[intrinsic](own, wanted, rng)
        chosen += (kept + group * len(own)).tolist()
        sources += (source + group * wanted).tolist()
    return chosen, sources


def _clustered(filters: _Array, wanted: int, rng: np.random.Generator) -> tuple[_Places, _Places]:
    """One real filter a cluster, and for each other filter its cluster's."""
    products = filters @ filters.T
    best = min((_kmeans(products, wanted, rng) for _ in range(RESTARTS)), key=lambda found: found[0])
    _, clusters, distances = best
    kept = np.array([_nearest(distances, clusters, each) for each in range(wanted)])
    order = np.argsort(kept)
    place = np.empty(wanted, np.int64)
    place[order] = np.arange(wanted)  # cluster -> place among the sorted intrinsic filters
    return kept[order], place[np.delete(clusters, kept)]


def _nearest(distances: _Array, clusters: _Places, cluster: int) -> int:
    members = np.flatnonzero(clusters == cluster)
    return int(members[distances[members, cluster].argmin()])


def _kmeans(products: _Array, wanted: int, rng: np.random.Generator) -> tuple[float, _Places, _Array]:
    """Error, cluster of each point, and distances to all means, of points known by their inner products alone.

    Filters have thousands of weights and are a few hundred: their products are all that distances to means need.
    """
    norms = products.diagonal()
    clusters = _distances_between(products, _spread(products, wanted, rng)).argmin(1)
    for _ in range(_MOST_ROUNDS):
        members = np.eye(wanted)[_filled(clusters, products, wanted)]  # (points, clusters)
        shares = members / members.sum(0)
        inner = products @ shares
        distances = norms[:, None] - 2 * inner + (shares * inner).sum(0)
        moved = distances.argmin(1)
        if np.array_equal(moved, clusters):
            break
        clusters = moved
    clusters = members.argmax(1)  # the ones that the distances are from: none of them is empty
    return float(distances[np.arange(len(clusters)), clusters].sum()), clusters, distances


def _filled(clusters: _Places, products: _Array, wanted: int) -> _Places:
    """The clusters with each empty one given the point farthest from its own cluster's first member."""
    counts = np.bincount(clusters, minlength=wanted)
    if counts.all():
        return clusters
    clusters = clusters.copy()
    for empty in np.flatnonzero(counts == 0):
        heads = np.array([np.flatnonzero(clusters == each)[0] for each in clusters])
        away = products.diagonal() - 2 * products[np.arange(len(clusters)), heads] + products.diagonal()[heads]
        away[np.bincount(clusters, minlength=wanted)[clusters] == 1] = -1.0
        clusters[away.argmax()] = empty
    return clusters


def _spread(products: _Array, wanted: int, rng: np.random.Generator) -> _Places:
    """First means by k-means++: each next point with a probability that grows with its squared distance."""
    chosen = [int(rng.integers(len(products)))]
    nearest = _distances_between(products, np.array(chosen))[:, 0]
    while len(chosen) < wanted:
        weights = nearest.clip(0)
        weights[chosen] = 0
        if not weights.sum() > 0:  # nothing but equal filters is left
            weights[:] = 1
            weights[chosen] = 0
        chosen.append(int(rng.choice(len(products), p=weights / weights.sum())))
        nearest = np.minimum(nearest, _distances_between(products, np.array(chosen[-1:]))[:, 0])
    return np.array(chosen)


def _distances_between(products: _Array, points: _Places) -> _Array:
    """Squared distances of all points to some, ``(all, some)``."""
    norms = products.diagonal()
    return norms[:, None] - 2 * products[:, points] + norms[points]


def _beside(filters: _Array, kept: _Places) -> tuple[_Places, _Places]:
    """Intrinsic filters, and for each other filter the nearest of them."""
    kept = np.sort(kept)
    return kept, np.delete(_distances_between(filters @ filters.T, kept).argmin(1), kept)


_WAYS: Mapping[Intrinsic, Callable[[_Array, int, np.random.Generator], tuple[_Places, _Places]]] = {
    "kmeans": _clustered,
    "random": lambda filters, wanted, rng: _beside(filters, rng.permutation(len(filters))[:wanted]),
    "order": lambda filters, wanted, _: _beside(filters, np.arange(wanted)),
    "l1": lambda filters, wanted, _: _beside(filters, np.argsort(-np.abs(filters).sum(1), kind="stable")[:wanted]),
}
