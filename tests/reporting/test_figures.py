import dataclasses

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from sklearn.exceptions import NotFittedError

from tests.conftest import monthly_table
from tsrnn import SeasonalNaive, backtest
from tsrnn.errors import ColumnError, ParameterError
from tsrnn.evaluation.backtest import BacktestResult
from tsrnn.evaluation.residuals import Residuals
from tsrnn.reporting.calibration import calibration_figure, reliability_figure
from tsrnn.reporting.colours import MODEL_COLOURS, PAGE, RULE, SURFACE, dark_counterparts, model_dash
from tsrnn.reporting.figures import (
    duel_figure,
    error_by_cutoff_figure,
    error_by_step_figure,
    forecast_figure,
    loss_figure,
    win_shares,
    wins_figure,
)
from tsrnn.reporting.parts import plain_text, time_labels
from tsrnn.reporting.report import write_report
from tsrnn.reporting.residuals import autocorrelation_figure, bias_figure, residual_bins, residual_figure

FIGURES = (
    forecast_figure,
    error_by_step_figure,
    error_by_cutoff_figure,
    wins_figure,
    duel_figure,
    calibration_figure,
    reliability_figure,
    bias_figure,
    residual_figure,
    autocorrelation_figure,
    loss_figure,
)


def changed(result, **parts):
    values = {**vars(result), **parts}
    return type(result)(**values)


def trace(figure, role, name=None):
    return next(t for t in figure.data if t.meta and t.meta["role"] == role and name in (None, t.name))


@pytest.mark.parametrize("draw", FIGURES, ids=lambda f: f.__name__)
def test_every_figure_can_be_used_alone(result, draw):
    figure = draw(result)
    assert isinstance(figure, go.Figure)
    assert len(figure.data) >= 1
    assert figure.layout.title.text
    assert "NaN" not in figure.to_json()


def test_a_forecast_is_drawn_with_its_history_its_outcome_and_one_band(result):
    table = result.forecasts
    cutoff = table["cutoff"].unique()[2]
    rows = table[(table["unique_id"] == "JPY") & (table["cutoff"] == cutoff)]
    figure = forecast_figure(result, "JPY", cutoff, level=95)
    assert trace(figure, "after").y == pytest.approx(rows["y"].to_numpy(), rel=1e-6)
    assert trace(figure, "median", "ARIMA").y[1:] == pytest.approx(rows["ARIMA"].to_numpy(), rel=1e-6)
    before = trace(figure, "before")
    assert before.x[-1] == str(cutoff)[:10]
    assert trace(figure, "median", "ARIMA").y[0] == before.y[-1]
    band = trace(figure, "band")
    assert band.name == "tsrnn, 95 % interval"
    h = len(rows)
    assert band.y[1 : h + 1] == pytest.approx(rows["tsrnn-hi-95"].to_numpy(), rel=1e-6)
    assert band.y[-2 : -h - 2 : -1] == pytest.approx(rows["tsrnn-lo-95"].to_numpy(), rel=1e-6)


def test_the_band_belongs_to_the_best_of_the_models_shown(result):
    figure = forecast_figure(result, models=["SeasonalNaive", "ARIMA"])
    assert trace(figure, "band").name == "ARIMA, 80 % interval"
    assert {t.name for t in figure.data if t.meta["role"] == "median"} == {"ARIMA", "SeasonalNaive"}


def test_a_model_keeps_its_colour_in_every_figure(result):
    expected = MODEL_COLOURS[1][0]
    assert trace(forecast_figure(result, models="ARIMA"), "median").line.color == expected
    assert error_by_step_figure(result).data[1].line.color == expected
    assert error_by_cutoff_figure(result).data[1].line.color == expected
    assert wins_figure(result).data[0].marker.color[1] == expected


def test_unknown_series_models_cutoffs_and_levels_are_named(result):
    with pytest.raises(ColumnError, match=r"No series 'EUR' among the 5 of this backtest: 'USD', 'GBP'"):
        forecast_figure(result, "EUR")
    with pytest.raises(ColumnError, match=r"No model 'LSTM' in this backtest; it compared 'tsrnn', 'ARIMA'"):
        forecast_figure(result, models=["ARIMA", "LSTM"])
    with pytest.raises(ParameterError, match=r"cutoff=1999-01-01 00:00:00: series 'USD' was forecast from 6 cutoffs"):
        forecast_figure(result, cutoff="1999-01-01")
    with pytest.raises(ParameterError, match=r"level=50: the backtest made these intervals, in percent: 80, 95"):
        forecast_figure(result, level=50)


def test_what_comes_next_is_drawn_of_a_fitted_model():
    table = monthly_table(n_series=2)
    model = SeasonalNaive().fit(table)
    forecast = model.predict(5, level=[80, 95]).groupby("unique_id").get_group("series 1")
    figure = forecast_figure(model, "series 1", level=95, h=5)
    assert [one.meta["role"] for one in figure.data] == ["band", "median", "before"]
    assert trace(figure, "median", "SeasonalNaive").y[1:] == pytest.approx(forecast["yhat"].to_numpy(), rel=1e-6)
    assert trace(figure, "band").y[1:6] == pytest.approx(forecast["yhat-hi-95"].to_numpy(), rel=1e-6)
    assert trace(figure, "before").x[-1] == "2019-12-01"
    usual = forecast_figure(model)
    assert trace(usual, "band").name == "SeasonalNaive, 80 % interval"
    assert len(trace(usual, "median", "SeasonalNaive").y) == 1 + 18
    with pytest.raises(ColumnError, match=r"No series 'c' among the 2 fitted ones: 'series 0', 'series 1'\."):
        forecast_figure(model, "c")
    with pytest.raises(NotFittedError, match="not fitted yet"):
        forecast_figure(SeasonalNaive())


@pytest.mark.parametrize("given", [pd.DataFrame({"yhat": [1.0]}), "ARIMA"])
def test_what_is_no_backtest_is_refused(given, result, tmp_path):
    kind = type(given).__name__
    with pytest.raises(ParameterError, match=rf"tsrnn\.backtest\(\) or a fitted model, .*, not {kind}\.$"):
        forecast_figure(given)
    for draw in (error_by_step_figure, lambda given: write_report(given, tmp_path / "page.html")):
        with pytest.raises(ParameterError, match=rf"^Expected the result of tsrnn\.backtest\(\), not {kind}\.$"):
            draw(given)
    with pytest.raises(ParameterError, match="h=3: a backtest has its own horizon"):
        forecast_figure(result, h=3)


def test_a_value_that_was_not_observed_leaves_a_gap(result):
    table, seen = result.forecasts.copy(), result.observations.copy()
    last = table["cutoff"].max()
    table.loc[(table["cutoff"] == last) & (table["step"] == 3), "y"] = np.nan
    seen.loc[seen["ds"] == last, "y"] = np.nan
    figure = forecast_figure(changed(result, forecasts=table, observations=seen))
    assert trace(figure, "after").y[2] is None
    # Nothing is known at the cutoff, so the forecast line starts at its first step.
    assert len(trace(figure, "median", "ARIMA").y) == 7


def test_models_without_intervals_are_drawn_without_a_band(make_result):
    bare = make_result(["a"], levels=())
    assert not [t for t in forecast_figure(bare).data if t.meta["role"] == "band"]
    with pytest.raises(ParameterError, match=r"No coverage to draw"):
        calibration_figure(bare)


@pytest.mark.parametrize(
    ("times", "labels"),
    [
        (pd.to_datetime(["2024-03-31 01:00", "2024-03-31 03:00"]).tz_localize("Europe/Berlin"), "2024-03-31 03:00"),
        (pd.period_range("2024-01", periods=2, freq="M"), "2024-02-01"),
        (np.array([7, 8]), 8),
    ],
)
def test_time_is_shown_on_the_clock_of_its_zone(times, labels):
    assert time_labels(times)[1] == labels


def test_a_panel_with_whole_numbers_as_time_is_drawn(make_result):
    numbered = make_result(["a"], start=100)
    figure = forecast_figure(numbered, cutoff=int(numbered.forecasts["cutoff"].iloc[0]))
    assert trace(figure, "after").x[0] == numbered.forecasts["ds"].iloc[0]
    assert figure.layout.xaxis.type is None


def test_a_zone_aware_cutoff_may_be_given_without_its_zone(make_result):
    zoned = make_result(["a"])
    table, seen = zoned.forecasts.copy(), zoned.observations.copy()
    for frame, columns in ((table, ("ds", "cutoff")), (seen, ("ds",))):
        for column in columns:
            frame[column] = frame[column].dt.tz_localize("America/New_York")
    figure = forecast_figure(changed(zoned, forecasts=table, observations=seen), cutoff="2024-04-06")
    assert trace(figure, "before").x[-1] == "2024-04-06"
    assert trace(figure, "after").x[0] == "2024-04-07"


def test_a_tie_is_shared_by_its_winners_and_a_series_without_mase_does_not_count(result):
    by_series = pd.DataFrame(
        {
            "model": ["tsrnn", "ARIMA", "SeasonalNaive"] * 3,
            "unique_id": ["USD"] * 3 + ["GBP"] * 3 + ["JPY"] * 3,
            "mase": [1.0, 1.0, 2.0, 3.0, 1.0, 2.0, np.nan, np.nan, np.nan],
        }
    )
    shares = win_shares(changed(result, by_series=by_series))
    assert shares.to_dict() == {"tsrnn": 0.25, "ARIMA": 0.75, "SeasonalNaive": 0.0}


def test_every_series_is_a_point_of_its_two_errors(result):
    by_series = result.by_series.copy()
    by_series.loc[(by_series["unique_id"] == "JPY") & (by_series["model"] == "ARIMA"), "mase"] = np.nan
    figure = duel_figure(changed(result, by_series=by_series))
    wide = by_series.pivot_table(index="unique_id", columns="model", values="mase").loc[["USD", "GBP", "CHF", "NOK"]]
    diagonal, points = figure.data
    assert list(diagonal.x) == list(diagonal.y)
    assert list(points.text) == ["USD", "GBP", "CHF", "NOK"]
    assert list(points.x) == pytest.approx(wide["ARIMA"].to_numpy(), rel=1e-6)
    assert list(points.y) == pytest.approx(wide["tsrnn"].to_numpy(), rel=1e-6)


def test_errors_of_very_different_size_are_drawn_on_a_logarithmic_scale_unless_one_is_zero(result):
    far = result.by_series.assign(mase=lambda t: t["mase"] * np.where(t["unique_id"] == "USD", 1000, 1))
    figure = duel_figure(changed(result, by_series=far))
    assert figure.layout.xaxis.type == figure.layout.yaxis.type == "log"
    assert figure.layout.xaxis.range == figure.layout.yaxis.range
    zero = far.assign(mase=far["mase"].where(far["unique_id"] != "GBP", 0.0))
    assert duel_figure(changed(result, by_series=zero)).layout.xaxis.type is None


def test_of_thousands_of_series_a_sample_is_drawn(result):
    n = 2500
    rng = np.random.default_rng(0)
    many = pd.DataFrame({"model": np.repeat(["tsrnn", "ARIMA"], n), "unique_id": np.tile(np.arange(n), 2)})
    figure = duel_figure(changed(result, by_series=many.assign(mase=rng.lognormal(size=2 * n))))
    assert len(figure.data[1].x) == 1000
    assert len(set(figure.data[1].text)) == 1000


def test_without_a_verdict_there_are_no_two_models_to_draw(make_result):
    alone = make_result(["a", "b"])
    alone.verdict = None
    with pytest.raises(ParameterError, match="0 series with a MASE of two models: drawing them takes two or more"):
        duel_figure(alone)


def test_one_series_has_no_winners_to_count(make_result):
    with pytest.raises(ParameterError, match=r"1 series with a MASE: counting who wins needs two or more"):
        wins_figure(make_result(["a"]))


def test_coverage_is_drawn_where_it_was_found(result):
    figure = calibration_figure(result)
    found = next(t for t in figure.data if t.name == "80 % interval")
    expected = result.leaderboard.set_index("model")["coverage_80"] * 100
    assert list(found.x) == pytest.approx(expected[["tsrnn", "ARIMA", "SeasonalNaive"]].to_numpy(), abs=1e-4)
    # The intervals of ARIMA were made too narrow.
    assert found.x[1] < found.x[0] - 5


def test_shares_below_the_quantiles_are_drawn_against_what_was_promised(result):
    figure = reliability_figure(result)
    mine = result.by_quantile[result.by_quantile["model"] == "ARIMA"]
    assert list(figure.data[1].x) == pytest.approx([2.5, 10, 50, 90, 97.5])
    assert list(figure.data[1].y) == pytest.approx(mine["below"].to_numpy() * 100, abs=1e-4)
    # The intervals of ARIMA were made too narrow: flatter than the diagonal.
    assert figure.data[1].y[0] > figure.data[0].y[0]
    assert figure.data[1].y[-1] < figure.data[0].y[-1]


def test_a_model_without_quantiles_has_no_reliability(result):
    points = result.by_quantile.copy()
    points.loc[(points["model"] == "ARIMA") & (points["quantile"] != 0.5), "below"] = np.nan
    figure = reliability_figure(changed(result, by_quantile=points))
    assert [trace.name for trace in figure.data] == ["tsrnn", "SeasonalNaive"]
    points.loc[points["quantile"] != 0.5, "below"] = np.nan
    with pytest.raises(ParameterError, match="No quantiles to draw: the models gave points only"):
        reliability_figure(changed(result, by_quantile=points))


def test_the_bias_is_drawn_by_step_and_the_autocorrelation_by_lag(result):
    bias, autocorrelation = bias_figure(result), autocorrelation_figure(result)
    steps = result.residuals.by_step
    assert list(bias.data[2].y) == pytest.approx(steps.loc[steps["model"] == "SeasonalNaive", "bias"], rel=1e-6)
    band, *lines = autocorrelation.data
    assert [line.name for line in lines] == ["tsrnn", "ARIMA", "SeasonalNaive"]
    assert list(lines[1].x) == [7, 14, 21]
    assert list(lines[1].y) == pytest.approx([0.6, 0.3, 0.2])
    assert (min(band.y), max(band.y)) == (-0.3, 0.3)
    assert min(band.x) < 7 < 21 < max(band.x)
    assert list(autocorrelation.layout.yaxis.range) == [-0.65, 0.65]


def test_the_distribution_counts_nearly_every_residual_once(result):
    figure = residual_figure(result)
    totals = [sum(trace.y) for trace in figure.data]
    assert all(97 <= total <= 100 for total in totals)
    narrow, wide = (np.dot(np.square(figure.data[k].x), figure.data[k].y) / totals[k] for k in (0, 2))
    assert narrow < wide


@pytest.mark.parametrize("values", [np.zeros(100), np.full(9, -3.0), np.array([1e300, -1e300]), np.array([5.0])])
def test_bins_hold_residuals_of_any_kind(values):
    edges = residual_bins(values, len(values))
    assert len(edges) <= 45
    assert (np.diff(edges) > 0).all()
    assert np.histogram(values, edges)[0].sum() == len(values)


def test_one_bin_lies_around_zero():
    edges = residual_bins(np.random.default_rng(0).normal(0.3, 1, 500), 500)
    below, above = edges[edges < 0].max(), edges[edges > 0].min()
    assert below == pytest.approx(-above)


def test_without_residuals_or_lags_the_reason_is_given(result):
    nothing = Residuals(*(getattr(result.residuals, field.name).iloc[:0] for field in dataclasses.fields(Residuals)))
    without = changed(result, residuals=nothing)
    for draw in (bias_figure, residual_figure):
        with pytest.raises(ParameterError, match="No residuals to draw: every series is constant"):
            draw(without)
    with pytest.raises(ParameterError, match="No autocorrelation to draw: it takes eight pairs"):
        autocorrelation_figure(without)


def test_errors_that_are_undefined_are_refused_with_the_reason(result):
    nothing = result.by_step.assign(mase=np.nan)
    with pytest.raises(ParameterError, match=r"No MASE to draw: every series is constant"):
        error_by_step_figure(changed(result, by_step=nothing))


def test_no_loss_history_is_refused_with_the_reason(result):
    with pytest.raises(ParameterError, match=r"No loss curve to draw: none of the models is a network"):
        loss_figure(changed(result, history={"tsrnn": pd.DataFrame()}))


def test_a_thousand_cutoffs_become_means_and_the_axis_says_so(result):
    cutoffs = pd.date_range("2020-01-01", periods=1000)
    many = pd.concat(
        pd.DataFrame({"model": m, "cutoff": cutoffs, "mase": np.arange(1000.0)}) for m in ("tsrnn", "ARIMA")
    )
    figure = error_by_cutoff_figure(changed(result, by_cutoff=many))
    assert list(figure.data[0].y[:2]) == [1.5, 5.5]
    assert figure.layout.xaxis.title.text == "cutoff (each point is the mean over 4 of them)"


def test_names_are_text_and_never_markup(make_result):
    name = '<a href="javascript:x()">&lt;b&gt;</a>'
    spoiled = make_result([name, "b"], models=(name, "ARIMA"), networks=(name,))
    for draw in FIGURES:
        text = draw(spoiled).to_json().replace("\\u003c", "<").replace("\\u003e", ">")
        assert "<a" not in text
        assert "<b>" not in text
    assert plain_text(name, None) == '&lt;a href="javascript:x()"&gt;&amp;lt;b&amp;gt;&lt;/a&gt;'


def test_long_names_that_begin_alike_stay_apart(make_result):
    first, second = "network " * 9 + "one", "network " * 9 + "two"
    figure = wins_figure(make_result(["a", "b"], models=(first, second), networks=()))
    assert list(figure.layout.yaxis.ticktext) == ["network network network net…"] * 2
    assert list(figure.data[0].y) == [0, 1]


def luminance(colour):
    channels = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_colours_stand_out_from_their_background_in_both_themes():
    swap = dark_counterparts()
    for light in [pair[0] for pair in MODEL_COLOURS]:
        for colour, background in ((light, SURFACE[0]), (swap[light], SURFACE[1])):
            darker, lighter = sorted((luminance(colour), luminance(background)))
            assert (lighter + 0.05) / (darker + 0.05) >= 3


def test_models_beyond_the_palette_differ_by_their_dashes():
    styles = {(MODEL_COLOURS[i % 8][0], model_dash(i)) for i in range(32)}
    assert len(styles) == 32


def test_every_colour_of_a_figure_has_a_dark_counterpart(result):
    swap = dark_counterparts()
    assert RULE[0] in swap
    assert PAGE[0] not in swap
    for draw in FIGURES:
        for value in colours_in(draw(result).to_plotly_json()):
            assert value in swap, value


def colours_in(value):
    if isinstance(value, str) and (value.startswith(("#", "rgba("))):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            if key != "template":
                yield from colours_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from colours_in(item)


def test_the_synthetic_result_has_the_fields_of_a_real_one(result):
    assert {field.name for field in dataclasses.fields(BacktestResult)} == set(vars(result))
    real = backtest(["Drift", "Theta", "Naive"], monthly_table(n_series=3), h=2, n_windows=16, step_size=2)
    for part in ("by_quantile", "by_step", "by_series", "by_cutoff", "by_forecast"):
        assert set(getattr(result, part).columns) <= set(getattr(real, part).columns)
    for part in dataclasses.fields(Residuals):
        assert list(getattr(result.residuals, part.name).columns) == list(getattr(real.residuals, part.name).columns)
    assert set(result.config) - {"command"} <= set(real.config)
    assert result.config["data"].keys() == real.config["data"].keys()
