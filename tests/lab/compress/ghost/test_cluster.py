"""Which filters stay: k-means and its rivals."""

import numpy as np
import pytest

from upres.lab.compress.ghost.cluster import _kmeans, choose


def filters(count, size=12, seed=0):
    return np.random.default_rng(seed).standard_normal((count, size)).astype(np.float32)


def test_each_cluster_keeps_one_filter_and_the_others_copy_it():
    centres = 10 * filters(3)
    labels = np.array([2, 0, 1, 1, 2, 0, 2, 1])
    near = centres[labels] + 0.1 * filters(8, seed=1)
    chosen, sources = choose(near, 5 / 8)
    assert sorted(labels[chosen]) == [0, 1, 2]
    others = [i for i in range(8) if i not in chosen]
    assert [labels[chosen[source]] for source in sources] == labels[others].tolist()
    for kept in chosen:
        members = near[labels == labels[kept]]
        distances = ((members - members.mean(0)) ** 2).sum(1)
        assert np.array_equal(members[distances.argmin()], near[kept])


def test_the_same_seed_chooses_the_same():
    many = filters(40)
    assert choose(many, 0.5, seed=(1,)) == choose(many, 0.5, seed=(1,))
    assert choose(many, 0.5, intrinsic="random", seed=(1,)) != choose(many, 0.5, intrinsic="random", seed=(2,))


def test_more_restarts_never_make_the_clusters_worse_than_lloyds_bound():
    """The error that is minimised is the sum of squares to the means of the final clusters."""
    many = filters(30).astype(np.float64)
    error, clusters, _ = _kmeans(many @ many.T, 6, np.random.default_rng(0))
    means = np.stack([many[clusters == each].mean(0) for each in range(6)])
    assert error == pytest.approx(((many - means[clusters]) ** 2).sum())
    nearest = ((many[:, None] - means) ** 2).sum(2).argmin(1)
    assert np.array_equal(nearest, clusters), "no filter is nearer to another mean"


@pytest.mark.parametrize("intrinsic", ["kmeans", "random", "order", "l1"])
def test_groups_choose_among_their_own(intrinsic):
    chosen, sources = choose(filters(16), 0.5, groups=4, intrinsic=intrinsic)
    assert [filter_ // 4 for filter_ in chosen] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [source // 2 for source in sources] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert chosen == sorted(chosen)


def test_the_largest_and_the_first():
    some = filters(6) * np.array([1, 9, 1, 8, 7, 1], np.float32)[:, None]
    assert choose(some, 0.5, intrinsic="l1")[0] == [1, 3, 4]
    assert choose(some, 0.5, intrinsic="order")[0] == [0, 1, 2]


@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_equal_filters_are_no_trouble(share):
    chosen, sources = choose(np.ones((8, 5), np.float32), share)
    assert len(chosen) == 8 * (1 - share)
    assert len(sources) == 8 * share


def test_there_is_no_other_way():
    with pytest.raises(ValueError, match="kmeans, random, order, l1"):
        choose(filters(4), 0.5, intrinsic="l2")
