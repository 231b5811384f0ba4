import importlib.util
import sys

import numpy as np
import pandas as pd
import pytest

from tsrnn import ARIMA
from tsrnn.data.panel import Cutoffs
from tsrnn.data.tables import read_panel
from tsrnn.errors import MissingExtraError, ParameterError

QUANTILES = [0.1, 0.5, 0.9]
needs_statsforecast = pytest.mark.skipif(
    importlib.util.find_spec("statsforecast") is None,
    reason="statsforecast is not installed; it keeps pandas below 3, so it has an environment of its own",
)


def test_without_the_package_the_error_names_the_cure(monthly, monkeypatch):
    monkeypatch.setitem(sys.modules, "statsforecast", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tsrnn\[stats\]'"):
        ARIMA(engine="statsforecast").fit(monthly)


def test_an_unknown_engine_is_refused(monthly):
    with pytest.raises(ParameterError, match="engine='R': expected 'tsrnn' or 'statsforecast'"):
        ARIMA(engine="R").fit(monthly)


@needs_statsforecast
def test_forecasts_are_those_of_the_package(monthly):
    from statsforecast.models import AutoARIMA

    model = ARIMA(engine="statsforecast").fit(monthly)
    answer = model.predict(h=12, level=[80, 95])
    for name, part in answer.groupby("unique_id"):
        y = monthly.loc[monthly["unique_id"] == name, "y"].to_numpy()
        theirs = AutoARIMA(season_length=12).forecast(y=y, h=12, level=[80, 95])
        np.testing.assert_allclose(part["yhat"], theirs["mean"], rtol=1e-3)
        np.testing.assert_allclose(part["yhat-lo-95"], theirs["lo-95"], rtol=5e-3)
        np.testing.assert_allclose(part["yhat-hi-80"], theirs["hi-80"], rtol=5e-3)
    assert model.notes_ == []
    assert model.summary().startswith("ARIMA by statsforecast, season 12, 3 series: (")


@needs_statsforecast
def test_a_given_order_agrees_with_our_own_engine(monthly):
    theirs = ARIMA((1, 1, 0), (1, 0, 0), engine="statsforecast").fit(monthly)
    ours = ARIMA((1, 1, 0), (1, 0, 0)).fit(monthly)
    assert theirs.orders_ == ours.orders_
    np.testing.assert_allclose(theirs.predict(h=8)["yhat"], ours.predict(h=8)["yhat"], rtol=5e-3)


@needs_statsforecast
def test_nothing_after_a_cutoff_moves_a_forecast(monthly):
    model = ARIMA(engine="statsforecast").fit(monthly[monthly["ds"] < "2018-01-01"])
    changed = monthly.copy()
    changed.loc[changed["ds"] >= "2018-07-01", "y"] = 1e7
    cutoffs = Cutoffs(np.array([0, 0, 1, 2]), np.array([36, 42, 40, 30]))
    before, after = (model.forecast(read_panel(table), cutoffs, 6, QUANTILES) for table in (monthly, changed))
    np.testing.assert_array_equal(before, after)
    assert (np.diff(before, axis=2) > 0).all()
    alone = model.forecast(read_panel(monthly), Cutoffs(np.array([0]), np.array([42])), 3, QUANTILES)
    np.testing.assert_allclose(alone[0], before[1, :3])


@needs_statsforecast
def test_gaps_are_interpolated_and_told(monthly):
    gapped = monthly.copy()
    gapped.loc[[10, 11, 80], "y"] = np.nan
    model = ARIMA((0, 1, 1), engine="statsforecast").fit(gapped)
    assert model.notes_ == [
        "2 of 3 series have missing values (3 in all), which statsforecast cannot take; they are interpolated: "
        "series 0, series 1."
    ]
    filled = gapped.assign(y=gapped.groupby("unique_id")["y"].transform(lambda y: y.interpolate()))
    expected = ARIMA((0, 1, 1), engine="statsforecast").fit(filled).predict(h=4)
    pd.testing.assert_frame_equal(model.predict(h=4), expected)


@needs_statsforecast
@pytest.mark.parametrize("value", [0.0, 5.0])
def test_constant_short_and_empty_series_are_forecast(monthly, value):
    table = monthly.copy()
    table.loc[table["unique_id"] == "series 0", "y"] = value
    table.loc[(table["unique_id"] == "series 1") & (table["ds"] > "2015-03-01"), "y"] = np.nan
    table.loc[table["unique_id"] == "series 2", "y"] = np.nan
    with pytest.warns(UserWarning, match="series 2"):
        model = ARIMA(engine="statsforecast").fit(table)
    answer = model.predict(h=3, level=80).set_index("unique_id")
    np.testing.assert_allclose(answer.loc["series 0", "yhat"], value)
    assert np.isfinite(answer.loc["series 1", "yhat"]).all()
    assert answer.loc["series 2", "yhat"].isna().all()
    assert any("fewer than 4 observed values" in note and "series 1" in note for note in model.notes_)


@needs_statsforecast
def test_what_the_package_cannot_fit_is_named_with_its_reason(monthly, monkeypatch):
    from statsforecast import models

    def fail(self, y):
        raise ValueError("no root found")

    monkeypatch.setattr(models.AutoARIMA, "fit", fail)
    model = ARIMA(engine="statsforecast").fit(monthly)
    assert "could not be fitted by statsforecast (no root found)" in model.notes_[0]
    assert np.isfinite(model.predict(h=2)["yhat"]).all()


@needs_statsforecast
def test_an_update_keeps_the_order(monthly, monkeypatch):
    from statsforecast import models

    model = ARIMA(engine="statsforecast").fit(monthly[monthly["ds"] < "2019-01-01"])
    orders = model.orders_
    monkeypatch.delattr(models.AutoARIMA, "fit")
    assert model.update(monthly).orders_ == orders
    assert model.predict(h=1)["ds"].min() == pd.Timestamp("2020-01-01")
