from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsrnn.data.panel import Panel, TableForm
from tsrnn.errors import ShortSeriesError
from tsrnn.evaluation.cutoffs import MOST_WINDOWS, choose_origins


def panel_of(*lengths, season_length=12, default_horizon=18):
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Panel(
        y=np.arange(offsets[-1], dtype=np.float64),
        offsets=offsets,
        ids=np.array([f"series {i}" for i in range(len(lengths))]),
        start=np.zeros(len(lengths), dtype=np.int64),
        frequency=SimpleNamespace(default_horizon=default_horizon, describe=lambda: "monthly"),
        season_length=season_length,
        form=TableForm("long"),
    )


def test_cutoffs_worked_by_hand():
    origins = choose_origins(panel_of(100, 50, season_length=4), h=10, n_windows=3, step_size=5)
    assert origins.ends.tolist() == [[80, 85, 90], [30, 35, 40]]
    assert (origins.h, origins.n_windows, origins.step_size) == (10, 3, 5)
    cutoffs = origins.cutoffs()
    assert cutoffs.series.tolist() == [0, 0, 0, 1, 1, 1]
    assert cutoffs.end.tolist() == [80, 85, 90, 30, 35, 40]
    assert cutoffs.series.dtype == cutoffs.end.dtype == np.int64


def test_a_part_of_the_windows_can_be_taken():
    origins = choose_origins(panel_of(100, 50, season_length=4), h=10, n_windows=3, step_size=5)
    assert origins.cutoffs(1, 2).end.tolist() == [85, 35]
    assert origins.cutoffs(2).end.tolist() == [90, 40]


def test_a_series_too_short_for_a_cutoff_has_0_there_and_no_forecast():
    origins = choose_origins(panel_of(40, 22, 15, season_length=4), h=8, n_windows=3, step_size=4)
    # Eight rows, two seasons, must stand before a cutoff.
    assert origins.ends.tolist() == [[24, 28, 32], [0, 10, 14], [0, 0, 0]]
    assert origins.cutoffs().series.tolist() == [0, 0, 0, 1, 1]
    assert origins.cutoffs(0, 1).series.tolist() == [0]


def test_a_series_without_observations_gets_no_cutoff_and_does_not_count_as_typical():
    panel = panel_of(100, 1000, 1000)
    panel.y[100:] = np.nan
    origins = choose_origins(panel, None, None, None)
    assert (origins.ends[1:] == 0).all()
    alone = choose_origins(panel_of(100), None, None, None)
    assert (origins.h, origins.n_windows, origins.step_size) == (alone.h, alone.n_windows, alone.step_size)


def test_twelve_years_of_months_get_twenty_cutoffs_two_months_apart():
    origins = choose_origins(panel_of(144), None, None, None)
    # 57 rows are the last 40 %; 18 of them are the horizon, and 39 hold 19 steps of 2.
    assert (origins.h, origins.n_windows, origins.step_size) == (18, 20, 2)
    assert origins.ends[0].tolist() == list(range(88, 127, 2))


def test_long_series_get_twenty_cutoffs_a_horizon_apart():
    origins = choose_origins(panel_of(4000, season_length=5, default_horizon=14), None, None, None)
    assert (origins.h, origins.n_windows, origins.step_size) == (14, 20, 14)
    assert origins.ends[0, -1] == 4000 - 14


def test_short_series_get_a_shorter_horizon_and_fewer_cutoffs():
    origins = choose_origins(panel_of(30, season_length=4, default_horizon=8), None, None, None)
    # 30 // 5 = 6 steps ahead; the last 40 % are 12 rows, which leave 6 steps of 1 before the last cutoff.
    assert (origins.h, origins.n_windows, origins.step_size) == (6, 7, 1)
    assert origins.ends[0].tolist() == [18, 19, 20, 21, 22, 23, 24]


def test_windows_that_no_series_holds_take_no_memory():
    origins = choose_origins(panel_of(60, 100, season_length=4), 10, 10**9, 5)
    assert origins.ends[:, [0, -1]].tolist() == [[0, 50], [10, 90]]
    assert origins.n_windows == 17


def test_given_windows_are_spread_over_the_last_part_and_a_given_step_is_kept():
    assert choose_origins(panel_of(144), 12, 4, None).ends[0].tolist() == [96, 108, 120, 132]
    assert choose_origins(panel_of(144), 12, 1, None).ends[0].tolist() == [132]
    assert choose_origins(panel_of(144), 12, None, 1).n_windows == MOST_WINDOWS
    assert choose_origins(panel_of(144), 12, None, 20).ends[0].tolist() == [92, 112, 132]


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=5),
    st.sampled_from([1, 4, 12]),
    st.none() | st.integers(1, 20),
    st.none() | st.integers(1, 25),
    st.none() | st.integers(1, 10),
)
def test_every_cutoff_has_its_history_before_it_and_its_horizon_after_it(lengths, season, h, n_windows, step):
    panel = panel_of(*lengths, season_length=season)
    try:
        origins = choose_origins(panel, h, n_windows, step)
    except ShortSeriesError:
        shortest = max(2 * season, 3) + (h or 1)
        assert max(lengths) < shortest or h is None
        return
    used = origins.ends > 0
    lead = panel.lengths[:, None] - origins.ends
    assert (origins.ends[used] >= max(2 * season, 3)).all()
    assert (lead[used] >= origins.h).all()
    assert (lead[:, -1][used[:, -1]] == origins.h).all()
    assert used.shape == (len(lengths), origins.n_windows)
    # Every cutoff is reached by a series, and no cutoff that could be reached is missing.
    assert used.any(0).all()
    assert origins.n_windows == (n_windows or origins.n_windows) or (
        max(lengths) - origins.h - origins.n_windows * origins.step_size < max(2 * season, 3)
    )
    assert 1 <= origins.n_windows <= max(MOST_WINDOWS, n_windows or 1)
    both = used[:, 1:] & used[:, :-1]
    assert (np.diff(origins.ends, axis=1)[both] == origins.step_size).all()
    # A series that has a cutoff keeps every later one.
    assert (used[:, 1:] >= used[:, :-1]).all()


@pytest.mark.parametrize(("rows", "season", "needed"), [(29, 12, 24), (8, 1, 3)])
def test_series_too_short_for_any_cutoff_are_refused_with_the_numbers_and_the_cure(rows, season, needed):
    message = (
        rf"longest series has {rows} rows, .* needs {needed} before the cutoff \(season_length={season}\) and h=6 "
        r"after it\. Lower h or season_length, or add rows"
    )
    with pytest.raises(ShortSeriesError, match=message):
        choose_origins(panel_of(rows, 3, season_length=season), 6, 2, 3)
    assert choose_origins(panel_of(rows + 1, 3, season_length=season), 6, 2, 3).ends.max() == needed


def test_a_panel_of_empty_series_is_refused():
    panel = panel_of(200)
    panel.y[:] = np.nan
    with pytest.raises(ShortSeriesError, match="has 0 rows"):
        choose_origins(panel, None, None, None)
