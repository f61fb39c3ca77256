from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from benchmark.metrics.compute import compute
from benchmark.metrics.cramer_von_mises import Groups, cvm, moments, score_order
from benchmark.metrics.cvm import (
    CVM,
    LARGEST,
    TooFewError,
    bins,
    estimate,
    independent,
    nearest,
    windows,
)
from benchmark.metrics.metric import Scored
from tests.peers import peer

CLASSES = ("higgs", "diphoton", "photon_jet")


def slow(scores, groups):
    """By the definition: a loop over all events and groups."""
    total = 0.0
    everyone = [np.mean((scores < s) + 0.5 * (scores == s)) for s in scores]
    for members, share in groups:
        for group, weight in zip(members, share, strict=True):
            own = scores[group]
            here = [np.mean((own < s) + 0.5 * (own == s)) for s in scores]
            total += weight * np.mean((np.array(here) - everyone) ** 2)
    return total


def spectrum(events, seed=0):
    return 90 + np.random.default_rng(seed).exponential(30.0, events)


def scored(scores, mass, label=1):
    first = np.asarray(scores, float)
    rest = (1 - first) / 2
    return Scored(np.full(len(first), label), np.stack([first, rest, rest], axis=1), CLASSES, None, mass)


def test_small_table():
    # masses 1, 2, 3, 4 with scores 1, 3, 2, 4; F = 1/8, 5/8, 3/8, 7/8. Windows of 2:
    # {1, 3}: F_g at 1, 3, 2, 4 = 1/4, 3/4, 1/2, 1: differences 1/8, 1/8, 1/8, 1/8
    # {3, 2}: 0, 3/4, 1/4, 1: -1/8, 1/8, -1/8, 1/8; {2, 4}: 0, 1/2, 1/4, 3/4: -1/8 each. All squares are 1/64.
    mass, scores = np.array([1.0, 2.0, 3.0, 4.0]), np.array([1.0, 3.0, 2.0, 4.0])
    assert cvm(scores, windows(mass, window=2, step=1)) == pytest.approx(1 / 64)
    # the windows {1, 3} and {2, 4} alone
    (groups,) = windows(mass, window=2, step=2)
    assert groups.members.tolist() == [[0, 1], [2, 3]]


def test_small_table_with_ties():
    # scores 0, 0 | 0, 1 in two windows: F = 3/8, 3/8, 3/8, 7/8; F_g = 1/2, 1 and 1/4, 3/4
    # squares: three times 1/64 and 1/64, in both
    groups = windows(np.arange(4.0), window=2, step=2)
    assert cvm(np.array([0.0, 0.0, 0.0, 1.0]), groups) == pytest.approx(1 / 64)


@pytest.mark.parametrize("decimals", [1, 2, 15])
def test_same_as_the_definition(decimals):
    rng = np.random.default_rng(decimals)
    mass = spectrum(120, decimals)
    scores = np.round(0.5 + 0.002 * (mass - 120) + 0.2 * rng.normal(size=120), decimals)
    for groups in (windows(mass, 40, 10), nearest(mass, 15), bins(mass, 6)):
        assert cvm(scores, groups) == pytest.approx(slow(scores, groups), rel=1e-10)


@pytest.mark.parametrize("decimals", [1, 15])
def test_same_as_hep_ml(decimals):
    pandas, metrics = pytest.importorskip("pandas"), peer("hep_ml.metrics")
    rng = np.random.default_rng(decimals)
    mass = spectrum(500)
    scores = np.round(0.5 + 0.002 * (mass - 120) + 0.1 * rng.normal(size=500), decimals)
    table, labels, ones = pandas.DataFrame({"mass": mass}), np.zeros(500, int), np.ones(500)
    for theirs, ours in ((metrics.KnnBasedCvM, nearest), (metrics.BinBasedCvM, bins)):
        judge = theirs(uniform_features=["mass"], uniform_label=0)
        judge.fit(table, labels, ones)
        expected = judge(labels, np.stack([scores, 1 - scores], axis=1), ones)
        assert cvm(scores, ours(mass)) == pytest.approx(expected, rel=1e-9)


def test_neighbours_are_the_nearest():
    mass = np.sort(spectrum(60))
    (groups,) = nearest(mass, 7)
    for place, members in enumerate(groups.members):
        distances = np.abs(mass - mass[place])
        assert sorted(distances[members]) == pytest.approx(sorted(distances)[:7])
    assert groups.share.sum() == pytest.approx(1)


def test_a_constant_score_does_not_depend_on_the_mass():
    # in the order of sorting its value would be the largest possible, about 0.155
    mass = spectrum(2000)
    for grouping in (windows, nearest, bins):
        assert cvm(np.full(2000, 0.3), grouping(mass)) == pytest.approx(0, abs=1e-12)


def test_independent_scores_have_the_value_of_chance():
    rng = np.random.default_rng(5)
    values = [cvm(rng.random(1000), windows(spectrum(1000, seed))) for seed in range(300)]
    assert independent(1000) == pytest.approx(1 / 1500)
    error = np.std(values) / np.sqrt(len(values))
    assert abs(np.mean(values) - independent(1000)) < 4 * error
    assert error < 0.05 * independent(1000)


@pytest.mark.parametrize("window", [10, 100, 500])
def test_a_score_that_is_the_mass_has_a_closed_form(window):
    # F_g rises from 0 to 1 within the window, u to u + k/N: outside it the difference is F or 1 - F, and linear inside
    events, share = 1000, window / 1000
    mass = spectrum(events)
    start = np.arange(0, events - window + 1) / events
    expected = (
        np.mean(
            start**3 / 3
            + (1 - start - share) ** 3 / 3
            + share * ((1 - start - share) ** 3 + start**3) / (3 * (1 - share))
        )
        if window < events
        else 0.0
    )
    assert cvm(mass, windows(mass, window, 1)) == pytest.approx(expected, rel=2e-3, abs=2e-6)


def test_the_largest_value_is_a_sixth():
    mass = spectrum(20_000)
    assert cvm(mass, windows(mass, 200, 50)) == pytest.approx(1 / 6, rel=0.03)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1000)), min_size=12, max_size=40, unique_by=lambda e: e[1]))
def test_only_the_orders_count(events):
    scores, mass = np.array(events, float).T
    bent, stretched = np.exp(scores / 3), mass**2 + 5
    turned = np.random.default_rng(1).permutation(len(mass))
    plain = cvm(scores, windows(mass, 6, 2))
    assert 0 <= plain <= 1 / 3
    assert cvm(bent, windows(stretched, 6, 2)) == pytest.approx(plain, abs=1e-12)
    assert cvm(scores[turned], windows(mass[turned], 6, 2)) == pytest.approx(plain, abs=1e-12)
    assert cvm(-scores, windows(mass, 6, 2)) == pytest.approx(plain, abs=1e-12)
    # in descending order of mass the windows from the other end are the same
    assert cvm(scores, windows(-mass, 6, 1)) == pytest.approx(cvm(scores, windows(mass, 6, 1)), abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(st.integers(2, 40), st.integers(1, 8), st.integers(0, 100))
def test_groups_are_whole_and_share_everything(events, size, seed):
    mass = np.random.default_rng(seed).integers(0, 10, events).astype(float)
    for groups in (nearest(mass, min(size, events)), bins(mass, size), windows(mass, min(size, events), 3)):
        assert sum(share.sum() for _, share in groups) == pytest.approx(1)
        assert all(len(set(row)) == len(row) for members, _ in groups for row in members.tolist())


def test_shares_of_neighbourhoods():
    # groups {0, 1}, {0, 1}, {1, 10}: the events are in 2, 3 and 1 of them
    (groups,) = nearest(np.array([0.0, 1.0, 10.0]), 2)
    assert sorted(map(sorted, groups.members.tolist())) == [[0, 1], [0, 1], [1, 2]]
    assert groups.share == pytest.approx(np.array([5 / 6, 5 / 6, 4 / 3]) / 3)


def test_too_few_events_for_a_group():
    mass = spectrum(30)
    with pytest.raises(TooFewError, match="30 test events, expected at least 200"):
        windows(mass)
    with pytest.raises(TooFewError, match="expected at least 50"):
        nearest(mass)
    with pytest.raises(TooFewError, match="expected at least 1"):
        bins(mass[:0])


def test_exact_to_the_last_digits():
    """In whole numbers: 2 k n (F_g - F) of a window of k among n events without ties."""
    rng = np.random.default_rng(4)
    mass, scores = rng.exponential(size=3000), rng.random(3000)
    ranks = np.argsort(np.argsort(scores))
    (windowed,) = windows(mass, 1000, 500)
    total = Fraction(0)
    for group in windowed.members:
        inside = np.isin(np.arange(3000), ranks[group]).astype(int)
        differences = 3000 * (2 * np.cumsum(inside) - inside) - 1000 * (2 * np.arange(3000) + 1)
        total += Fraction(sum(int(d) ** 2 for d in differences), 4 * 1000**2 * 3000**3)
    assert cvm(scores, [windowed]) == pytest.approx(float(total / len(windowed.members)), rel=1e-11)


def toys(number, events, tilt, grouping):
    """Data sets of scores that depend on the mass: each with its CVM, the sum of squared influences, and the chance."""
    for seed in range(number):
        rng = np.random.default_rng((9, seed))
        mass = rng.normal(size=events)
        scores = tilt * mass + np.sqrt(1 - tilt**2) * rng.normal(size=events)
        order = np.argsort(mass)
        value, influence, mean, variance = moments(score_order(scores[order]), grouping(mass[order]))
        yield value, influence @ influence, mean, variance


@pytest.mark.parametrize("grouping", [windows, nearest, bins])
def test_mean_and_variance_of_an_independent_score(grouping):
    values, squares, means, variances = np.array(list(toys(600, 400, 0.0, grouping))).T
    assert np.mean(values) == pytest.approx(np.mean(means), rel=0.06)  # four errors
    assert np.var(values) == pytest.approx(np.mean(variances), rel=0.35)
    assert np.mean(squares) == pytest.approx(2 * np.mean(variances), rel=0.25)  # counted twice
    if grouping is windows:
        assert means[0] == pytest.approx(independent(400), rel=0.01)


@pytest.mark.parametrize("grouping", [windows, nearest, bins])
def test_variance_of_a_score_that_follows_the_mass(grouping):
    values, squares, _, variances = np.array(list(toys(600, 1000, 0.4, grouping))).T
    assert np.mean(squares - variances) == pytest.approx(np.var(values), rel=0.25)


def narrow(mass):
    """Windows that move by few events: where they end counts less."""
    return windows(mass, 100, 5)


@pytest.mark.parametrize("grouping", [narrow, nearest, bins])
def test_influences_are_those_of_a_jackknife(grouping):
    """But for the events at the ends of a group, of which one leaves when another comes: an average one is counted."""
    rng = np.random.default_rng(2)
    mass = np.sort(rng.normal(size=500))
    scores = 0.6 * mass + 0.8 * rng.normal(size=500)
    _, influence, *_ = moments(score_order(scores), grouping(mass))
    without = np.array([cvm(np.delete(scores, i), grouping(np.delete(mass, i))) for i in range(500)])
    assert np.corrcoef(influence, -without)[0, 1] > 0.93
    jackknife = 499 / 500 * np.sum((without - without.mean()) ** 2)
    assert influence @ influence == pytest.approx(jackknife, rel=0.3)


@pytest.mark.parametrize("grouping", [windows, nearest, bins])
@pytest.mark.parametrize("tilt", [0.0, 0.1, 0.2, 0.4])
def test_intervals_cover_the_mean_of_other_events(grouping, tilt):
    def draw(seed):
        rng = np.random.default_rng((11, seed))
        mass = rng.normal(size=1000)
        return tilt * mass + np.sqrt(1 - tilt**2) * rng.normal(size=1000), mass

    found = [estimate(*draw(seed), grouping) for seed in range(300)]
    expected = np.mean([e.value for e in found])
    inside = [e.low <= expected <= e.high for e in found]
    assert 0.9 <= np.mean(inside) <= 0.99
    assert np.median([e.high - e.low for e in found]) < 6 * np.std([e.value for e in found])  # 4 of a Gaussian


@pytest.mark.parametrize("more", [1, 37, 49])
def test_events_behind_the_last_window_change_little(more):
    rng = np.random.default_rng(5)
    mass = np.sort(rng.normal(size=1000 + more))
    scores = 0.2 * mass + rng.normal(size=1000 + more)
    whole, found = estimate(scores[:1000], mass[:1000], windows), estimate(scores, mass, windows)
    assert found.value == pytest.approx(whole.value, rel=0.1)
    assert found.high - found.low == pytest.approx(whole.high - whole.low, rel=0.2)


def test_a_constant_score_has_no_width():
    mass = spectrum(1000)
    for grouping in (windows, nearest, bins):
        found = estimate(np.full(1000, 0.3), mass, grouping)
        assert (found.low, found.high) == pytest.approx((0, 0), abs=1e-12)


@settings(deadline=None, max_examples=60)
@given(st.integers(50, 70), st.integers(1, 4), st.integers(0, 99))
def test_groups_that_are_nearly_all_events_bound_little(events, different, seed):
    mass, rng = spectrum(events), np.random.default_rng(seed)
    scores = rng.integers(0, different, events) / different
    for grouping in (nearest, bins):
        found = estimate(scores, mass, grouping)
        assert 0 <= found.low <= found.value <= found.high <= LARGEST
    assert cvm(np.arange(events), [Groups(np.array([[0]]), np.array([1.0]))]) <= LARGEST


def test_the_order_of_events_and_the_parts_they_are_computed_in_do_not_count(monkeypatch):
    rng = np.random.default_rng(7)
    mass, scores = rng.random(700), np.round(rng.random(700), 2)
    turned = rng.permutation(700)
    for grouping in (windows, nearest, bins):
        whole = estimate(scores, mass, grouping)
        assert estimate(scores[turned], mass[turned], grouping) == whole
        with monkeypatch.context() as patch:
            patch.setattr("benchmark.metrics.cramer_von_mises.MOST_MEMBERS", 500)
            parts = estimate(scores, mass, grouping)
        assert (parts.value, parts.low, parts.high) == pytest.approx((whole.value, whole.low, whole.high), rel=1e-9)


def test_the_metric_uses_the_first_background_only():
    rng = np.random.default_rng(2)
    mass, score = spectrum(600), rng.random(600)
    plain = compute([CVM()], scored(score, mass))
    assert plain["cvm"].value == cvm(score, windows(mass))
    assert plain["cvm_knn"].value == cvm(score, nearest(mass))
    assert plain["cvm_bins"].value == cvm(score, bins(mass))
    assert plain["cvm_independent"].value == independent(600)
    others = [scored(np.clip(mass / 1000, 0, 1), mass, label) for label in (0, 2)]
    joined = [
        np.concatenate(parts)
        for parts in zip(*((s.labels, s.mass) for s in (scored(score, mass), *others)), strict=True)
    ]
    scores = np.concatenate([s.scores for s in (scored(score, mass), *others)])
    assert compute([CVM()], Scored(joined[0], scores, CLASSES, None, joined[1])) == plain


def test_without_a_mass_or_a_signal():
    judged = scored(np.linspace(0, 1, 300), spectrum(300))
    (nothing,) = compute([CVM()], replace(judged, mass=None)).values()
    assert nothing.value is None
    assert "no mass" in nothing.reason
    assert compute([CVM()], replace(judged, signal=False)) == {}


def test_few_events_as_in_smoke():
    found = compute([CVM()], scored(np.linspace(0, 1, 60), spectrum(60)))
    assert found["cvm"].reason == "diphoton: 60 test events, expected at least 200"
    assert found["cvm_independent"].value is None
    assert found["cvm_knn"].value is not None
    none = compute([CVM()], scored(np.linspace(0, 1, 60), spectrum(60), label=0))
    assert all(e.value is None and e.reason for e in none.values())


def test_events_without_a_mass_are_left_out():
    mass, score = spectrum(400), np.random.default_rng(1).random(400)
    longer = scored(np.append(score, [0.1, 0.2]), np.append(mass, [np.nan, np.inf]))
    assert compute([CVM()], longer) == compute([CVM()], scored(score, mass))


def test_ranks_with_midpoints_are_the_scores():
    mass, score = spectrum(300), np.random.default_rng(3).integers(0, 20, 300)
    groups = windows(mass)
    assert cvm(rankdata(score), groups) == pytest.approx(cvm(score.astype(float), groups), abs=1e-12)
    assert isinstance(groups[0], Groups)
