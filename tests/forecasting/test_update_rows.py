import numpy as np
import pandas as pd
import pytest

from tests.conftest import monthly_table
from tsrnn import ETS, Drift, Ensemble, Forecaster, Naive
from tsrnn.data.tables import read_panel
from tsrnn.errors import DataError, FrequencyError


@pytest.fixture
def table():
    return monthly_table(n_series=3, n_rows=80)


def split(table, rows):
    early = table.groupby("unique_id").cumcount() < rows
    return table[early], table[~early]


def test_new_rows_move_a_forecaster_on_without_any_training(table):
    past, new = split(table, 70)
    model = Forecaster(strategy="zero-shot").fit(past)
    networks, calibration = model.networks_, model.calibration_
    expected = model.predict(6, table)
    assert model.update(new) is model
    assert model.networks_ is networks
    assert model.calibration_ is calibration
    pd.testing.assert_frame_equal(model.predict(6).sort_values(["unique_id", "ds"], ignore_index=True), expected)


@pytest.mark.parametrize("names", [np.array, pd.Index, list])
def test_columns_may_be_named_by_any_sequence_again_and_are_saved(tmp_path, names):
    table = pd.DataFrame({"a": np.arange(40.0), "b": 2.0, "c": 3.0}, pd.date_range("2020-01-01", periods=40, freq="MS"))
    columns = names(["a", "b"])
    model = Forecaster(strategy="zero-shot").fit(table[:38], target_col=columns).update(table[38:], target_col=columns)
    model.save(tmp_path / "model")
    forecast = Forecaster.load(tmp_path / "model").predict(3, table)
    assert list(forecast.columns) == ["a", "b"]
    pd.testing.assert_frame_equal(forecast, model.predict(3))


def test_rows_one_by_one_are_the_same_as_all_at_once(table):
    past, new = split(table, 74)
    together, single = (Forecaster(strategy="zero-shot").fit(past) for _ in range(2))
    together.update(new)
    for _, rows in new.groupby("ds"):
        single.update(rows)
    pd.testing.assert_frame_equal(together.predict(4), single.predict(4))


def test_a_gap_before_the_new_rows_is_missing_values(table):
    past, new = split(table, 70)
    model = Forecaster(strategy="zero-shot").fit(past)
    model.update(new[new.groupby("unique_id").cumcount() >= 4])
    first = model.panel_.series(0)
    assert len(first) == 80
    assert np.isnan(first[70:74]).all()


def test_a_table_of_all_rows_is_the_same_as_a_fit_on_it(table):
    past, _ = split(table, 70)
    model = Drift().fit(past)
    pd.testing.assert_frame_equal(model.update(table).predict(3), Drift().fit(table).predict(3))
    assert model.notes_ == []


def test_rows_that_were_fitted_before_are_replaced_and_no_other(table):
    past, new = split(table, 70)
    one = past[past["unique_id"] == "series 1"]
    again = one[60:62].assign(y=[-1.0, -2.0])
    model = Naive().fit(past).update(pd.concat([new[new["unique_id"] == "series 0"], again]))
    assert model.panel_.lengths.tolist() == [80, 70, 70]
    expected = one["y"].to_numpy().copy()
    expected[60:62] = [-1, -2]
    np.testing.assert_array_equal(model.panel_.series(1), expected)
    assert model.notes_ == ["2 fitted values were replaced by the update, of 1 series: series 1."]


def test_a_network_learns_again_from_rows_that_were_replaced(table):
    past, _ = split(table, 70)
    corrected = past.assign(y=past["y"].where(past["ds"] < past["ds"].max(), 1.0))
    model = Forecaster(strategy="zero-shot").fit(past)
    before = model.calibration_
    model.update(corrected[corrected["ds"] == corrected["ds"].max()])
    expected = Forecaster(strategy="zero-shot").fit(corrected)
    assert model.calibration_ is not before
    pd.testing.assert_frame_equal(model.predict(4, level=80), expected.predict(4, level=80))
    assert "3 fitted values were replaced by the update, of 3 series: series 0, series 1, series 2." in model.notes_


def test_rows_before_the_fitted_ones_are_put_before_them(table):
    late = table[table.groupby("unique_id").cumcount() >= 10]
    early = table[table.groupby("unique_id").cumcount() < 12]
    model = Naive().fit(late).update(early)
    np.testing.assert_array_equal(model.panel_.y, table["y"])
    assert model.panel_.start[0] == np.datetime64("2015-01-01")
    assert model.notes_ == []


def test_a_value_can_be_taken_away_but_not_by_a_series_without_any():
    wide = pd.DataFrame({"a": np.arange(8.0), "b": 1.0}, index=pd.date_range("2020", periods=8, freq="MS"))
    rows = wide[2:6].assign(a=[2.0, np.nan, 4.0, 5.0], b=np.nan)
    model = Naive().fit(wide).update(rows)
    np.testing.assert_array_equal(model.panel_.series(0), [0, 1, 2, np.nan, 4, 5, 6, 7])
    assert (model.panel_.series(1) == 1).all()
    assert model.notes_ == ["1 fitted value was replaced by the update, of 1 series: a."]


@pytest.mark.parametrize("model", [Forecaster(strategy="zero-shot"), Naive(), Ensemble(["Naive", "Drift"])], ids=str)
def test_new_series_stand_beside_the_fitted_ones(table, model):
    past = table[table["unique_id"] != "series 2"]
    model.fit(past).update(table[table["unique_id"] == "series 2"])
    answer = model.predict(3)
    assert answer["unique_id"].unique().tolist() == ["series 0", "series 1", "series 2"]
    pd.testing.assert_frame_equal(answer[:6], model.predict(3, past))
    assert "1 series is new since the fit: series 2." in model.notes_


def monthly_values(n_rows=72):
    return pd.Series(np.arange(float(n_rows)), index=pd.date_range("2015", periods=n_rows, freq="MS"), name="sales")


def test_a_series_without_a_name_goes_on_from_the_only_one():
    y = monthly_values()
    assert Naive().fit(y[:60]).update(y[60:].rename(None)).panel_.lengths.tolist() == [72]
    unnamed = Naive().fit(y[:60].rename(None)).update(y[60:])
    assert unnamed.panel_.lengths.tolist() == [72]
    assert unnamed.predict(1).name is None


def test_a_series_without_a_name_is_refused_where_there_are_several(table):
    model = Naive().fit(table)
    with pytest.raises(DataError, match=r"fitted on 3 series: series 0, .*series.rename\('series 0'\)"):
        model.update(monthly_values().rename(None))


def test_a_second_series_makes_the_answer_a_table():
    y = monthly_values()
    answer = Naive().fit(y).update(y.rename("other") + 1).predict(2)
    assert list(answer.columns) == ["sales", "other"]
    assert answer.index.tolist() == [pd.Timestamp("2021-01-01"), pd.Timestamp("2021-02-01")]
    assert answer.to_numpy().tolist() == [[71, 72], [71, 72]]


def test_time_stamps_off_the_fitted_grid_are_refused_and_the_model_stays_as_it_was():
    y = monthly_values()
    model = ETS().fit(y[:60])
    off = y[60:].set_axis(y.index[60:] + pd.Timedelta(days=3))
    with pytest.raises(FrequencyError, match=r"12 of 12 time stamps do not lie on the grid of the fitted step 'MS'"):
        model.update(off)
    weekly = monthly_values().set_axis(pd.date_range("2020-01-05", periods=72, freq="W-SUN"))
    model = Naive().fit(weekly[:60])
    with pytest.raises(FrequencyError, match=r"do not go on in the step of the fitted rows: .* fitted step 'W-SUN'"):
        model.update(weekly[60:].set_axis(weekly.index[60:] + pd.Timedelta(days=1)))
    assert model.panel_.lengths.tolist() == [60]


def test_names_of_another_type_are_refused(table):
    numbers = table.assign(unique_id=table["unique_id"].str[-1].astype(int))
    past, new = split(numbers, 70)
    with pytest.raises(DataError, match=r"3 of the series .* '0' \(str\), not 0 \(int\)"):
        Naive().fit(past).update(new.astype({"unique_id": str}))


def test_whole_numbers_that_begin_again_are_refused_unless_all_rows_are_given():
    y = pd.Series(np.arange(72.0))
    model = Naive(season_length=1).fit(y[:60])
    with pytest.raises(DataError, match=r"numbered 0 to 11, as if .* 0 to 59. Number later rows from 60 on"):
        model.update(y[60:].reset_index(drop=True))
    assert model.update(y[60:]).predict(1).index.tolist() == [72]
    assert model.update(y + 1).notes_ == ["72 fitted values were replaced by the update, of 1 series: y."]


def test_times_with_and_without_a_zone_do_not_go_together():
    y = monthly_values()
    with pytest.raises(DataError, match="have UTC, those of the fitted table no time zone"):
        Naive().fit(y[:60]).update(y[60:].tz_localize("UTC"))
    hours = y.set_axis(pd.date_range("2020", periods=72, freq="h", tz="Europe/Berlin"))
    model = Naive().fit(hours[:60]).update(hours[60:].tz_convert("UTC"))
    assert model.predict(1).index[0] == hours.index[-1] + pd.Timedelta(hours=1)


def test_a_holiday_among_the_new_rows_is_stepped_over():
    days = pd.bdate_range("2020-01-01", periods=300).delete([50, 120, 200, 280])
    prices = pd.Series(np.random.default_rng(1).normal(size=len(days)).cumsum() + 50, index=days, name="price")
    model = Naive().fit(prices[:250]).update(prices[250:])
    np.testing.assert_array_equal(model.panel_.y, prices)
    assert model.predict(1).index[0] == prices.index[-1] + pd.offsets.BDay()


def test_a_panel_takes_the_place_of_all_that_was_fitted(table):
    past, new = split(table, 70)
    model = Naive().fit(past).update(read_panel(new))
    assert model.panel_.lengths.tolist() == [10, 10, 10]


def test_other_models_fit_again_on_the_fitted_and_the_new_rows(table):
    past, new = split(table, 70)
    pd.testing.assert_frame_equal(Drift().fit(past).update(new).predict(3), Drift().fit(table).predict(3))


def test_text_among_the_new_rows_is_refused_and_the_model_stays_as_it_was(table):
    past, new = split(table, 70)
    model = Forecaster(strategy="zero-shot").fit(past)
    before = model.predict(3)
    with pytest.raises(DataError, match="holds text"):
        model.update(new.assign(y="twelve"))
    pd.testing.assert_frame_equal(model.predict(3), before)


def kinds_of(table, kind):
    return table.assign(unique_id=table["unique_id"].astype(kind))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (pd.CategoricalDtype(["a", "z"]), pd.CategoricalDtype(["c", "a"]), pd.CategoricalDtype(["a", "z", "c"])),
        (pd.CategoricalDtype(["a", "c"]), pd.CategoricalDtype(["c"]), pd.CategoricalDtype(["a", "c"])),
        (pd.CategoricalDtype(["a"]), object, np.dtype(object)),
        (object, pd.CategoricalDtype(["c"]), np.dtype(object)),
    ],
    ids=["other categories", "known categories", "text after categories", "categories after text"],
)
def test_names_of_new_series_fit_into_the_type_of_the_answers(first, second, expected):
    y = monthly_values(12).reset_index(name="y").rename(columns={"index": "ds"})
    model = Naive().fit(kinds_of(y.assign(unique_id="a"), first)).update(kinds_of(y.assign(unique_id="c"), second))
    answer = model.predict(1)
    assert answer["unique_id"].tolist() == ["a", "c"]
    assert answer["unique_id"].dtype == expected


def test_numbers_and_text_may_name_series_together():
    y = monthly_values(12).reset_index(name="y").rename(columns={"index": "ds"})
    model = Naive().fit(y.assign(unique_id=np.int8(1)).astype({"unique_id": "int8"}))
    assert model.update(y.assign(unique_id=300)).predict(1)["unique_id"].tolist() == [1, 300]
    assert model.update(y.assign(unique_id="b")).predict(1)["unique_id"].tolist() == [1, 300, "b"]


def test_notes_of_the_histories_are_those_after_the_update():
    y = monthly_values()
    model = Forecaster(strategy="zero-shot").fit(y[:13])
    assert "less history than two seasons" in model.notes_[0]
    assert model.update(y[13:]).notes_ == []
    y[60:] = np.nan
    model = Forecaster(strategy="zero-shot").fit(y[:60]).update(y[60:66])
    assert [note[:56] for note in model.notes_] == ["1 of 1 series ends without values (up to 6 rows): sales."]
    assert [note[:57] for note in model.update(y[66:]).notes_] == [
        "1 of 1 series ends without values (up to 12 rows): sales."
    ]
    assert any("1 series ends with missing values" in note for note in model.panel_.notes)
    later = monthly_values(73)[72:]
    assert model.update(later).notes_ == []
    assert not any("end with missing values" in note for note in model.panel_.notes)


def test_a_series_is_empty_only_if_neither_fitted_nor_new_rows_hold_a_value():
    wide = pd.DataFrame({"a": np.arange(8.0), "b": 1.0}, index=pd.date_range("2020", periods=8, freq="MS"))
    model = Naive().fit(wide[:5]).update(wide[5:].assign(a=np.nan))  # without a warning
    assert model.predict(1)["a"].tolist() == [4]
    with pytest.warns(UserWarning, match="1 of 3 series has no values and no answer but NaN: c") as caught:
        model.update(wide[["b"]].assign(c=np.nan))
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning, match="1 of 2 series has no values"):
        model = Naive().fit(wide.assign(a=np.nan)[:5])
    assert any("1 of 2 series has no values: a" in note for note in model.panel_.notes)
    assert not any("have no values" in note for note in model.update(wide[5:]).panel_.notes)


def test_no_rows_are_lost_to_a_revision_after_later_ones():
    y = pd.Series(np.arange(400.0) % 7, pd.date_range("2022", periods=400, name="day"), name="visits")
    model = Forecaster(strategy="scratch", context_length=28, max_steps=2, hidden_size=4, random_state=0).fit(y[:390])
    model.update(y[390:])
    assert model.panel_.lengths.tolist() == [400]
    model.update(y[100:101] + 50)
    expected = y.to_numpy().copy()
    expected[100] += 50
    np.testing.assert_array_equal(model.panel_.y, expected)
    assert any("1 fitted value was replaced" in note for note in model.notes_)


def test_a_series_without_a_name_is_not_taken_for_one_that_is_called_y():
    wide = pd.DataFrame({"y": [1.0, 2, 3, 4], "z": [2.0, 3, 4, 5]}, pd.date_range("2024-01-01", periods=4))
    model = Naive().fit(wide.iloc[:3])
    with pytest.raises(DataError, match="The Series has no name, but the model was fitted on 2 series: y, z"):
        model.update(wide["y"].iloc[3:].rename(None))
    assert model.update(wide["y"].iloc[3:]).panel_.lengths.tolist() == [4, 3]
