import numpy as np
import pandas as pd
import pytest

from tests.conftest import monthly_table
from tsrnn import Drift, Forecaster
from tsrnn.errors import DataError


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


def test_rows_one_by_one_are_the_same_as_all_at_once(table):
    past, new = split(table, 74)
    together, single = (Forecaster(strategy="zero-shot").fit(past) for _ in range(2))
    together.update(new)
    for _, rows in new.groupby("ds"):
        single.update(rows)
    pd.testing.assert_frame_equal(together.predict(4), single.predict(4))


def test_what_is_kept_does_not_grow(table):
    y = pd.Series(np.sin(np.arange(900.0)), index=pd.date_range("1940", periods=900, freq="MS"), name="y")
    model = Forecaster(strategy="zero-shot").fit(y.iloc[:50])
    most = 2 * max(part.size.context_length for part in model.networks_)
    model.update(y.iloc[50:])
    assert len(model.panel_.y) == most
    assert model.predict(1).index[0] == y.index[-1] + pd.DateOffset(months=1)


def test_a_gap_before_the_new_rows_is_missing_values(table):
    past, new = split(table, 70)
    model = Forecaster(strategy="zero-shot").fit(past)
    model.update(new[new.groupby("unique_id").cumcount() >= 4])
    first = model.panel_.series(0)
    assert len(first) == 80
    assert np.isnan(first[70:74]).all()


def test_a_table_that_begins_among_the_fitted_rows_is_fitted_afresh(table):
    past, _ = split(table, 70)
    model = Drift().fit(past)
    pd.testing.assert_frame_equal(model.update(table).predict(3), Drift().fit(table).predict(3))


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
