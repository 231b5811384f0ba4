from dataclasses import replace

import numpy as np
import pandas as pd

from tsrnn.data.adding import add_rows
from tsrnn.data.panel import Cutoffs
from tsrnn.data.tables import read_panel


def panel_of(*series):
    frames = [
        pd.DataFrame({"unique_id": name, "ds": pd.date_range("2020-01-01", periods=len(y), freq="MS"), "y": y})
        for name, y in zip("abc", series, strict=False)
    ]
    return read_panel(pd.concat(frames))


def test_rows_between_two_numbers_are_cut_out_of_every_series():
    panel = panel_of([1.0, 2, 3, 4, 5], [6.0, 7, 8])
    part = panel.between(np.array([1, 0]), np.array([4, 2]))
    assert part.y.tolist() == [2, 3, 4, 6, 7]
    assert part.offsets.tolist() == [0, 3, 5]
    assert part.start.astype("datetime64[D]").astype(str).tolist() == ["2020-02-01", "2020-01-01"]
    assert panel.lengths.tolist() == [5, 3]


def test_missing_values_at_the_beginning_of_the_cut_are_left_out_and_none_at_its_end():
    panel = panel_of([1.0, np.nan, np.nan, 4, np.nan, 6], [1.0, np.nan, np.nan, np.nan, 5, 6])
    part = panel.between(np.array([1, 1]), np.array([5, 4]))
    np.testing.assert_array_equal(part.y, [4, np.nan])
    # The second series has no value there, and keeps its place without a row.
    assert part.lengths.tolist() == [2, 0]
    assert part.start[0] == np.datetime64("2020-04-01")


def test_every_row_has_a_place_in_its_series():
    series, row = panel_of([1.0, np.nan, 3.0], [4.0, 5.0]).places()
    assert series.tolist() == [0, 0, 0, 1, 1]
    assert row.tolist() == [0, 1, 2, 0, 1]


def test_rows_past_the_end_are_those_that_there_are():
    panel = panel_of([1.0, 2, 3], [4.0, 5])
    assert panel.between(np.array([0, 0]), np.array([9, 0])).lengths.tolist() == [3, 0]
    assert panel.between(np.array([5, 1]), np.array([9, 9])).y.tolist() == [5]


def test_observed_values_before_a_cutoff_are_counted_and_there_are_none_beyond_the_end():
    panel = panel_of([1.0, np.nan, 3.0], [5.0, 6.0, np.nan, 8.0])
    cutoffs = Cutoffs(np.array([0, 0, 0, 0, 1, 1]), np.array([0, 2, 3, 9, 3, 5]))
    assert panel.observed_before(cutoffs).tolist() == [0, 1, 2, 2, 2, 3]
    assert panel.n_observed.tolist() == [2, 3]


def test_rows_without_a_value_just_before_a_cutoff_are_counted():
    panel = panel_of([np.nan, np.nan, 1.0, 2, np.nan, 4, np.nan, np.nan], [5.0, np.nan, 7])
    cutoffs = Cutoffs(np.array([0, 0, 0, 0, 0, 1, 1, 1]), np.array([0, 2, 4, 5, 8, 0, 2, 3]))
    first = 2  # rows before the first value are not part of a series
    cutoffs = replace(cutoffs, end=np.where(cutoffs.series == 0, (cutoffs.end - first).clip(min=0), cutoffs.end))
    assert panel.missing_before(cutoffs).tolist() == [0, 0, 0, 1, 2, 0, 1, 0]
    assert panel.missing_before(panel.last_cutoffs()).tolist() == [2, 0]


def test_nothing_is_counted_where_no_earlier_row_has_a_value():
    panel = panel_of([1.0, 2, 3], [4.0, 5])
    empty = replace(panel, y=np.array([1.0, 2, 3, np.nan, np.nan]))
    assert empty.missing_before(Cutoffs(np.array([1, 1]), np.array([1, 2]))).tolist() == [0, 0]


def test_series_named_by_tuples_are_sorted_and_followed():
    def named(*names, first):
        index = pd.date_range(first, periods=3, freq="MS")
        columns = pd.MultiIndex.from_tuples(names).to_flat_index()
        return read_panel(pd.DataFrame(np.arange(3.0 * len(names)).reshape(3, -1), index=index, columns=columns))

    panel = named(("a", "z"), ("a", "b"), first="2020-01-01")
    assert panel.sorted_by_id().ids.tolist() == [("a", "b"), ("a", "z")]
    later = add_rows(panel, named(("a", "z"), ("c", "d"), first="2020-04-01")).panel
    assert later.ids.tolist() == [("a", "z"), ("a", "b"), ("c", "d")]
    assert later.lengths.tolist() == [6, 3, 3]


def test_cutoffs_are_taken_by_numbers_or_a_mask_and_moved_by_rows():
    cutoffs = Cutoffs.of([(0, 3), (0, 5), (1, 4)])
    assert (len(cutoffs), len(Cutoffs.of([]))) == (3, 0)
    by_number, by_mask = cutoffs.take(np.array([2, 0])), cutoffs.take(np.array([False, True, False]))
    assert [by_number.series.tolist(), by_number.end.tolist()] == [[1, 0], [4, 3]]
    assert [by_mask.series.tolist(), by_mask.end.tolist()] == [[0], [5]]
    assert [cutoffs.later(2).series.tolist(), cutoffs.later(2).end.tolist()] == [[0, 0, 1], [5, 7, 6]]


def test_a_panel_is_padded_with_rows_without_values_and_cut_again():
    panel = panel_of([1.0, 2, 3], [4.0, 5])
    before, after = np.array([0, 2]), np.array([1, 0])
    wider = panel.padded(before, after)
    assert np.array_equal(wider.y, [1, 2, 3, np.nan, np.nan, np.nan, 4, 5], equal_nan=True)
    assert wider.start.astype("datetime64[D]").astype(str).tolist() == ["2020-01-01", "2019-11-01"]
    same = wider.between(before, before + panel.lengths)
    assert [same.y.tolist(), same.offsets.tolist()] == [panel.y.tolist(), panel.offsets.tolist()]
    assert same.start.tolist() == panel.start.tolist()
