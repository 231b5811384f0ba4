import numpy as np
import pandas as pd
import pytest

from tsrnn import ETS, Drift, Ensemble, Forecaster, Naive, SeasonalNaive, Theta, backtest
from tsrnn.data.panel import Cutoffs
from tsrnn.data.tables import read_panel

MODELS = {
    "zero-shot": lambda: Forecaster(strategy="zero-shot"),
    "trained": lambda: Forecaster(24, "scratch", max_steps=3, hidden_size=8, context_length=96),
    "SeasonalNaive": SeasonalNaive,
    "ETS": ETS,
    "Theta": Theta,
    "Ensemble": lambda: Ensemble([SeasonalNaive(), Drift()]),
}
CHANGES = [
    ("Europe/Berlin", "h", "2024-03-31"),
    ("Europe/Berlin", "h", "2024-10-27"),
    ("America/New_York", "30min", "2024-11-03"),
    ("Australia/Lord_Howe", "15min", "2024-04-07"),
    ("Australia/Lord_Howe", "30min", "2024-10-06"),
]


def wave(ds, seed=0):
    """A day's wave by the local clock, with noise."""
    local = ds.tz_localize(None)
    hour = (local - local.normalize()) / pd.Timedelta("1h")
    noise = np.random.default_rng(seed).normal(size=len(ds))
    return pd.Series(100 + 30 * np.sin(2 * np.pi * hour / 24) + noise, index=ds, name="y")


def around(zone, freq, day, before=21, after=3):
    day = pd.Timestamp(day, tz=zone)
    return wave(pd.date_range(day - pd.Timedelta(days=before), day + pd.Timedelta(days=after), freq=freq))


def on_clock(y):
    """The same values without a zone, a time that comes twice being their mean."""
    return y.groupby(y.index.tz_localize(None)).mean().rename("y")


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(("zone", "freq", "day"), CHANGES)
@pytest.mark.parametrize("days", [-1, 1])
def test_forecasts_are_those_of_local_times_at_real_instants(name, zone, freq, day, days):
    y = around(zone, freq, day)
    y = y[y.index < pd.Timestamp(day, tz=zone) + pd.Timedelta(days=days)]
    h = int(pd.Timedelta("2D") / pd.Timedelta(y.index.freq))
    forecast = MODELS[name]().fit(y).predict(h)
    assert forecast.index.equals(pd.date_range(y.index[-1], periods=h + 1, freq=freq)[1:])
    plain = MODELS[name]().fit(on_clock(y)).predict(h + 8)
    expected = plain[forecast.index.tz_localize(None)]
    np.testing.assert_allclose(forecast.to_numpy(), expected.to_numpy(), rtol=1e-6)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("zone", ["Asia/Kolkata", "Europe/Berlin"])
def test_without_a_change_forecasts_are_the_same_to_the_last_bit(name, zone):
    y = wave(pd.date_range("2024-05-01", periods=24 * 20, freq="h", tz=zone))
    plain = pd.Series(y.to_numpy(), index=y.index.tz_localize(None), name="y")
    model, other = MODELS[name]().fit(y), MODELS[name]().fit(plain)
    np.testing.assert_array_equal(model.predict(48).to_numpy(), other.predict(48).to_numpy())
    np.testing.assert_array_equal(
        model.predict(24, level=80).iloc[:, 2:].to_numpy(), other.predict(24, level=80).iloc[:, 2:].to_numpy()
    )


@pytest.mark.parametrize("name", ["zero-shot", "SeasonalNaive", "ETS"])
@pytest.mark.parametrize(("zone", "freq", "day"), CHANGES)
def test_nothing_after_a_cutoff_is_seen_and_a_shorter_table_gives_the_same(name, zone, freq, day):
    y = around(zone, freq, day, 8, 2)
    change = y.index.get_indexer([pd.Timestamp(day, tz=zone)])[0]
    steps = int(pd.Timedelta("4h") / pd.Timedelta(y.index.freq))
    ends = np.arange(change + 1, change + steps + 3)
    panel = read_panel(y)
    model = MODELS[name]().fit(y.iloc[:change])
    cutoffs = Cutoffs(np.zeros(len(ends), np.int64), ends)
    values = model.forecast(panel, cutoffs, 12, (0.1, 0.5))
    assert np.isfinite(values).all()
    for i, end in enumerate(ends):
        other = y.copy()
        other.iloc[end:] = 1e4
        one = Cutoffs(np.zeros(1, np.int64), ends[[i]])
        for seen in (other, y.iloc[:end]):
            again = model.forecast(read_panel(seen), one, 12, (0.1, 0.5))
            np.testing.assert_allclose(again[0], values[i], rtol=1e-5)


def test_a_series_that_is_known_from_within_the_repeated_time_alone_has_a_forecast():
    y = wave(pd.date_range("2024-10-27 00:15", periods=3, freq="15min", tz="UTC").tz_convert("Europe/Berlin"))
    long = around("Europe/Berlin", "15min", "2024-10-27")
    table = pd.concat(
        [
            part.rename_axis("ds").reset_index(name="y").assign(unique_id=name)
            for name, part in (("short", y), ("long", long))
        ]
    )
    for model in (Forecaster(strategy="zero-shot"), Naive(season_length=96), SeasonalNaive()):
        forecast = model.fit(table).predict(8)
        assert np.isfinite(forecast["yhat"]).all()
        first = forecast.groupby("unique_id")["ds"].first()
        assert first.to_dict() == {"short": y.index[-1] + y.index.freq, "long": long.index[-1] + long.index.freq}


@pytest.mark.parametrize("name", ["zero-shot", "SeasonalNaive", "ETS"])
@pytest.mark.parametrize(("zone", "freq", "day"), CHANGES)
def test_an_update_over_a_change_is_as_a_fit_on_all(name, zone, freq, day):
    y = around(zone, freq, day)
    n = y.index.get_indexer([pd.Timestamp(day, tz=zone)])[0] + 1
    model = MODELS[name]().fit(y.iloc[:n]).update(y.iloc[n : n + 5]).update(y.iloc[n + 5 :])
    np.testing.assert_allclose(model.predict(24).to_numpy(), MODELS[name]().fit(y).predict(24).to_numpy(), rtol=1e-6)


@pytest.mark.parametrize("day", ["2024-03-31", "2024-10-27"])
def test_a_saved_model_forecasts_over_a_change_as_before(tmp_path, day):
    y = around("Europe/Berlin", "h", day, 21, 0)
    model = Forecaster(strategy="zero-shot").fit(y)
    model.save(tmp_path / "model")
    pd.testing.assert_series_equal(Forecaster.load(tmp_path / "model").predict(30), model.predict(30), check_freq=False)


@pytest.mark.parametrize("day", ["2024-03-31", "2024-10-27"])
def test_a_backtest_over_a_change_scores_every_instant_once(day):
    y = around("Europe/Berlin", "h", day, 21, 4)
    result = backtest(["SeasonalNaive", "zero-shot"], y, h=24, n_windows=6)
    table = result.forecasts
    assert len(table) == 6 * 24
    assert not table.duplicated(["cutoff", "ds"]).any()
    np.testing.assert_array_equal(table["y"], y[table["ds"]].to_numpy())
    assert (table["y"] - table["SeasonalNaive"]).abs().max() < 8


def test_a_foreign_model_is_given_the_time_stamps_of_the_table():
    seen = []

    def last(train, h):
        seen.append(train)
        return np.full(h, train.iloc[-1])

    y = around("Europe/Berlin", "h", "2024-10-27")
    backtest([last, "Naive"], y, h=24, n_windows=1)
    assert seen[-1].index.equals(y.index[: len(seen[-1])])


@pytest.mark.parametrize("name", ["zero-shot", "SeasonalNaive", "ETS"])
def test_the_same_instants_written_in_another_zone_have_the_same_forecasts(name):
    y = around("Europe/Berlin", "h", "2024-10-27")
    model = MODELS[name]().fit(y.iloc[:-80])
    expected = model.predict(24, y)
    other = model.predict(24, y.tz_convert("UTC"))
    assert str(other.index.tz) == "UTC"
    np.testing.assert_array_equal(other.to_numpy(), expected.to_numpy())
    # What was fitted in UTC follows no clock, whatever zone the rows come in.
    model = MODELS[name]().fit(y.iloc[:-80].tz_convert("UTC"))
    np.testing.assert_array_equal(model.predict(24, y).to_numpy(), model.predict(24, y.tz_convert("UTC")).to_numpy())


def test_the_panel_tells_of_a_change_in_what_was_fitted_or_came_later():
    y = around("Europe/Berlin", "h", "2024-10-27")
    notes = SeasonalNaive().fit(y).panel_.notes
    assert any("mean of both values (1 pair)" in note for note in notes)
    model = SeasonalNaive().fit(y.iloc[:-80])
    assert not any("local clock" in note for note in model.panel_.notes)
    assert set(model.update(y.iloc[-80:]).panel_.notes) == set(notes)


@pytest.mark.parametrize("model", [SeasonalNaive(), Forecaster(strategy="zero-shot")], ids=lambda m: type(m).__name__)
def test_the_note_on_the_local_clock_is_that_of_the_rows_that_are_there(model):
    t = pd.date_range("2023-10-20", "2024-11-10", freq="h", tz="UTC").tz_convert("Europe/Berlin")
    y = pd.Series(np.sin(np.arange(len(t)) * np.pi / 12), t, name="y")
    model = model.fit(y[:240]).update(y[240:])
    clock = [note for note in model.notes_ if "local clock" in note]
    fresh = [note for note in type(model)(**model.get_params()).fit(y).notes_ if "local clock" in note]
    assert clock == fresh
    assert len(clock) == 1
