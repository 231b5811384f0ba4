import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from tests.anomaly.conftest import hourly
from tsrnn import AnomalyDetector, Forecaster, SeasonalNaive
from tsrnn.anomaly.events import kind_of
from tsrnn.anomaly.tracker import TOGETHER
from tsrnn.errors import DataError, FrequencyError, ParameterError
from tsrnn.forecasting.progress import listening

COLUMNS = ["unique_id", "ds", "y", "expected", "lower", "upper", "score", "p_value", "is_anomaly"]


def long_table(**series):
    return pd.concat(
        [pd.DataFrame({"unique_id": name, "ds": y.index, "y": y.to_numpy()}) for name, y in series.items()],
        ignore_index=True,
    )


@pytest.mark.parametrize("channels", [False, True])
def test_the_fitted_rows_in_another_order_are_judged_as_fit_did(clean, channels):
    table = long_table(b=clean, a=clean[::-1].set_axis(clean.index), c=clean * 2)
    detector = AnomalyDetector(channels=channels).fit(table)
    shuffled = table.sample(frac=1, random_state=2)
    assert list(shuffled["unique_id"].unique()) != list(table["unique_id"].unique())
    pd.testing.assert_frame_equal(detector.detect(shuffled), detector.detect(), check_exact=True)


def test_a_table_of_detections_has_a_row_for_every_row_and_the_fields_columns(clean):
    table = AnomalyDetector().fit(clean).detect()
    assert list(table.columns) == COLUMNS
    assert table["ds"].tolist() == clean.index.tolist()
    np.testing.assert_array_equal(table["y"], clean)
    judged = table.iloc[100:]
    assert judged.notna().all(axis=None)
    assert (judged["lower"] < judged["expected"]).all()
    assert (judged["expected"] < judged["upper"]).all()
    assert judged["p_value"].between(0, 1).all()
    assert (judged["is_anomaly"] == (judged["p_value"] <= 0.01)).all()


def test_the_expected_range_holds_about_its_share_of_ordinary_rows():
    table = AnomalyDetector(alpha=0.1).fit(hourly(2500)).detect().iloc[200:]
    inside = table["y"].between(table["lower"], table["upper"]).mean()
    assert inside == pytest.approx(0.9, abs=0.03)


@pytest.mark.parametrize("threshold", ["conformal", "pot", "quantile"])
def test_a_spike_is_found_by_every_threshold(clean, threshold):
    clean.iloc[600] += 12
    detector = AnomalyDetector(threshold=threshold).fit(clean)
    table = detector.detect()
    assert table["is_anomaly"].iloc[600]
    assert table["score"].idxmax() == 600
    assert table["is_anomaly"].iloc[100:600].mean() < 0.03


@pytest.mark.parametrize("threshold", ["conformal", "pot", "quantile"])
def test_the_realised_rate_of_false_alarms_is_near_alpha(threshold):
    y = hourly(4000, seed=3)
    table = AnomalyDetector(threshold=threshold, alpha=0.02).fit(y).detect()
    assert 0.5 < table["is_anomaly"].iloc[200:].mean() / 0.02 < 2


def test_nothing_after_a_row_changes_what_is_said_of_it(clean):
    changed = clean.copy()
    changed.iloc[500:] = np.random.default_rng(1).normal(1000, 500, 200)
    numbers = ["expected", "lower", "upper", "score", "p_value"]
    # A forecaster calibrates its intervals on the ends of the fitted series, so it is fitted on the same rows.
    forecaster = Forecaster(strategy="zero-shot").fit(clean)
    before, after = (AnomalyDetector(forecaster).fit(y).detect() for y in (clean, changed))
    np.testing.assert_allclose(before[numbers].iloc[:500], after[numbers].iloc[:500], atol=1e-5)
    assert not np.allclose(before["score"].iloc[500:], after["score"].iloc[500:])


def test_the_callers_table_is_unchanged(clean):
    given = clean.copy()
    AnomalyDetector().fit(given).detect(given)
    pd.testing.assert_series_equal(given, clean)


def test_a_spike_does_not_poison_the_forecasts_after_it(clean):
    spiked = clean.copy()
    spiked.iloc[480:483] += 60
    forecaster = Forecaster(strategy="zero-shot").fit(clean)
    usual, after = (AnomalyDetector(forecaster).fit(y).detect()["expected"] for y in (clean, spiked))
    # Three values of a window of 504 were replaced by expected ones, which are off by about their noise.
    assert (usual - after).iloc[484:].abs().max() < 2.0
    plain = forecaster.predict(24, spiked.iloc[:483])
    assert (plain.to_numpy() - usual.iloc[483:507].to_numpy()).max() > 4.0


def test_a_level_that_persists_is_an_event_and_then_accepted():
    y = hourly(1200, seed=2, noise=0.5)
    y.iloc[500:] += 15
    detector = AnomalyDetector(patience=60).fit(y)
    table = detector.detect()
    assert table["is_anomaly"].iloc[500]
    late = table.iloc[650:]
    assert (late["y"] - late["expected"]).abs().mean() < 1.5
    assert late["is_anomaly"].mean() < 0.05
    event = detector.events().set_index("start").loc[y.index[500]]
    assert event["kind"] == "level shift"
    assert event["y"] - event["expected"] == pytest.approx(15, abs=3)
    assert event["rows"] >= 40


def test_a_longer_patience_holds_on_to_the_old_level_longer():
    y = hourly(1000, seed=2, noise=0.5)
    y.iloc[500:] += 15
    alarms = [AnomalyDetector(patience=patience).fit(y).detect()["is_anomaly"].sum() for patience in (24, 200)]
    assert alarms[1] > alarms[0] + 50


def test_a_season_that_is_missing_is_named_so():
    y = hourly(900, day=6.0, noise=0.4)
    y.iloc[600:636] = y.iloc[600]
    events = AnomalyDetector().fit(y).events()
    assert "missing season" in events[events["start"].between(y.index[598], y.index[630])]["kind"].tolist()


def test_a_change_of_variance_is_named_so():
    y = hourly(900, noise=0.4)
    y.iloc[600:650] += np.random.default_rng(5).normal(0, 5, 50)
    events = AnomalyDetector().fit(y).events()
    worst = events.loc[events["score"].idxmax()]
    assert worst["kind"] == "change of variance"
    assert worst["rows"] > 30


def test_nothing_below_zero_is_expected_of_counts_in_a_table_and_in_a_stream():
    hour = np.arange(600) % 24
    counts = np.random.default_rng(0).poisson(np.where(hour < 8, 0.1, 12.0)).astype(float)
    series = pd.Series(counts, index=pd.date_range("2024-01-01", periods=600, freq="h", name="ds"), name="y")
    fitted = AnomalyDetector().fit(series.iloc[:500])
    known = fitted.detect().dropna().iloc[48:]
    assert known[["expected", "lower"]].min().tolist() == [0, 0]
    # The ends of the range are apart, which rows are judged by, not where it was cut.
    assert (known["p_value"] < 0.05).mean() < 0.08
    later = [fitted.update("y", time, value) for time, value in series.iloc[500:].items()]
    assert min(row.lower for row in later) == min(row.expected for row in later) == 0
    shifted = AnomalyDetector().fit(series - 1.0).detect().dropna()
    assert shifted["lower"].min() < -1


def test_balances_that_are_often_zero_and_once_below_may_be_expected_below():
    rng = np.random.default_rng(0)
    y = pd.Series(
        rng.poisson(2.0, 400).astype(float), pd.date_range("2024", periods=400, freq="h", name="ds"), name="y"
    )
    assert AnomalyDetector().fit(y).detect()["lower"].iloc[-100:].min() == 0
    y.iloc[50] = -1.0
    assert AnomalyDetector().fit(y).detect()["lower"].iloc[-100:].min() < 0


def test_missing_values_are_no_alarm_and_do_not_hide_the_next_one(clean):
    clean.iloc[400:410] = np.nan
    clean.iloc[410] += 15
    table = AnomalyDetector().fit(clean).detect()
    gap = table.iloc[400:410]
    assert not gap["is_anomaly"].any()
    assert gap["p_value"].isna().all()
    assert gap["expected"].notna().all()
    assert table["is_anomaly"].iloc[410]


def test_a_constant_series_is_no_alarm_and_its_first_change_is_one():
    y = pd.Series(5.0, index=pd.date_range("2024", periods=400, freq="h"))
    y.iloc[300] = 5.1
    table = AnomalyDetector().fit(y).detect()
    assert table["is_anomaly"].iloc[300]
    assert table["is_anomaly"].sum() < 5
    assert np.isfinite(table["score"].dropna()).all()


def test_rows_that_follow_are_judged_from_where_the_fitted_ones_end(clean):
    forecaster = Forecaster(strategy="zero-shot").fit(clean)
    whole = AnomalyDetector(forecaster).fit(clean).detect()
    detector = AnomalyDetector(forecaster).fit(clean.iloc[:500])
    later = detector.detect(clean.iloc[500:])
    numbers = ["expected", "lower", "upper", "score", "p_value"]
    np.testing.assert_allclose(later[numbers], whole[numbers].iloc[500:], atol=1e-5)
    again = detector.detect(clean.iloc[500:])
    pd.testing.assert_frame_equal(later, again)


def test_rows_that_were_fitted_are_judged_with_what_was_learnt_from_them(clean):
    noisy = clean + np.random.default_rng(7).standard_t(2, len(clean)) * 3
    detector = AnomalyDetector().fit(noisy)
    again = detector.detect(noisy.iloc[300:500])
    cold = AnomalyDetector(detector.forecaster_).fit(noisy.iloc[300:500]).detect()
    assert len(again) == 200
    # A cold start does not know yet how heavy the tails are.
    width = (again["upper"] - again["lower"]) / (cold["upper"] - cold["lower"])
    assert width.iloc[48:72].mean() > 1.1


def test_a_series_never_seen_before_is_compared_with_the_scores_of_the_others(clean):
    detector = AnomalyDetector().fit(long_table(a=clean, b=hourly(seed=1)))
    other = hourly(300, seed=9)
    other.iloc[250] += 15
    table = detector.detect(long_table(new=other))
    assert table["is_anomaly"].iloc[250]
    assert table["unique_id"].eq("new").all()


def test_several_series_are_judged_as_each_would_be_alone(clean):
    other = hourly(seed=4, start="2024-01-05").iloc[:500]
    forecaster = Forecaster(strategy="zero-shot").fit(clean)
    both = AnomalyDetector(forecaster).fit(long_table(b=other, a=clean)).detect()
    for name, y in (("a", clean), ("b", other)):
        alone = AnomalyDetector(forecaster).fit(y).detect()
        mine = both[both["unique_id"] == name]
        np.testing.assert_allclose(mine["expected"], alone["expected"], atol=1e-5)
        np.testing.assert_allclose(mine["p_value"], alone["p_value"], atol=1e-5)


def test_columns_may_have_any_name_and_rows_any_order(clean):
    usual = AnomalyDetector().fit(long_table(a=clean)).detect()
    renamed = (
        long_table(a=clean)
        .rename(columns={"unique_id": "meter", "ds": "hour", "y": "load"})
        .sample(frac=1, random_state=0)
    )
    detector = AnomalyDetector().fit(renamed, id_col="meter", time_col="hour", target_col="load")
    pd.testing.assert_frame_equal(detector.detect(), usual)
    pd.testing.assert_frame_equal(detector.detect(renamed.iloc[::-1]), detector.detect(renamed))


def test_channels_have_one_p_value_and_their_shares_add_up():
    a, b, c = (hourly(seed=seed) for seed in (1, 2, 3))
    b.iloc[600] += 15
    table = AnomalyDetector(channels=True).fit(pd.DataFrame({"a": a, "b": b, "c": c})).detect()
    times = table.groupby("ds")
    assert (times["p_value"].max() == times["p_value"].min())[100:].all()
    shares = times["share"].sum(min_count=1).dropna()
    np.testing.assert_allclose(shares.iloc[100:], 1.0)
    at = table[table["ds"] == b.index[600]].set_index("unique_id")
    assert at["is_anomaly"].all()
    assert at["share"].idxmax() == "b"
    assert at["share"]["b"] > 0.6


def test_an_event_of_a_system_is_one_and_names_the_channel():
    a, b = hourly(seed=1), hourly(seed=2)
    b.iloc[600] += 15
    events = AnomalyDetector(channels=True).fit(pd.DataFrame({"a": a, "b": b})).events()
    mine = events[(events["start"] <= b.index[600]) & (events["end"] >= b.index[600])]
    assert mine["unique_id"].tolist() == ["b"]
    assert mine["peak"].tolist() == [b.index[600]]
    assert mine["share"].iloc[0] > 0.6


def test_channels_that_move_together_a_little_are_found_where_one_alone_is_not():
    channels = {f"c{seed}": hourly(1200, seed=seed) for seed in range(6)}
    for y in channels.values():
        y.iloc[1000] += 3.2
    wide = pd.DataFrame(channels)
    together = AnomalyDetector(channels=True, alpha=0.002).fit(wide).detect()
    alone = AnomalyDetector(alpha=0.002).fit(wide).detect()
    when = wide.index[1000]
    assert together[together["ds"] == when]["is_anomaly"].all()
    assert alone[alone["ds"] == when]["is_anomaly"].sum() < 6


def test_arrays_follow_the_convention_of_outlier_detectors():
    X = np.column_stack([hourly(seed=1), hourly(seed=2)])
    X[500, 1] += 20
    detector = AnomalyDetector().fit(X)
    score, decision, label = detector.score_samples(X), detector.decision_function(X), detector.predict(X)
    assert score.shape == decision.shape == label.shape == (700,)
    assert set(label) == {-1, 1}
    assert label[500] == -1
    assert score.argmin() == 500
    np.testing.assert_allclose(decision, score - detector.offset_)
    np.testing.assert_array_equal(label, np.where(decision < 0, -1, 1))
    np.testing.assert_array_equal(AnomalyDetector().fit_predict(X), label)
    assert detector.n_features_in_ == 2


def test_one_column_and_a_flat_array_are_the_same():
    y = hourly().to_numpy()
    np.testing.assert_array_equal(AnomalyDetector().fit_predict(y), AnomalyDetector().fit_predict(y[:, None]))


def test_missing_rows_of_an_array_keep_their_places():
    y = hourly().to_numpy().copy()
    y[:20] = y[300:305] = np.nan
    detector = AnomalyDetector().fit(y)
    score = detector.score_samples(y)
    assert len(score) == len(y)
    assert (score[:20] == 0).all()
    assert (score[300:305] == 0).all()
    assert (detector.predict(y)[300:305] == 1).all()


def test_contamination_is_the_share_of_fitted_rows_that_are_outliers(clean):
    detector = AnomalyDetector(contamination=0.05).fit(clean)
    assert detector.detect()["is_anomaly"].mean() == pytest.approx(0.05, abs=0.005)
    assert detector.alpha_ > 0.01


@pytest.mark.parametrize("missing", [slice(0, 0), slice(0, 9), slice(300, 309), slice(791, 800)])
@pytest.mark.parametrize("columns", [1, 2])
def test_contamination_is_also_the_share_that_fit_predict_and_predict_call_outliers(columns, missing):
    X = np.random.default_rng(1).normal(size=(800, columns))
    X[missing, 0] = np.nan
    detector = AnomalyDetector(contamination=0.05)
    label = detector.fit_predict(X)
    assert label.shape == (800,)
    assert (label < 0).mean() == pytest.approx(0.05, abs=0.005)
    np.testing.assert_array_equal(detector.predict(X), label)
    pd.testing.assert_frame_equal(detector.detect(X), detector.detect())


def test_a_row_that_differs_from_the_fitted_one_is_judged_anew(clean):
    detector = AnomalyDetector().fit(clean)
    other = clean.copy()
    other.iloc[500] += 30
    assert not detector.detect(clean)["is_anomaly"].iloc[500]
    assert detector.detect(other)["is_anomaly"].iloc[500]


def test_labels_move_the_threshold_to_where_events_are_told_apart(clean):
    labels = np.zeros(len(clean), bool)
    for row in (350, 450, 550, 650):
        clean.iloc[row] += 14
        labels[row] = True
    detector = AnomalyDetector(alpha=0.1).fit(clean)
    assert detector.detect()["is_anomaly"].sum() > 20
    detector.fit_threshold(labels)
    assert detector.alpha_ < 0.02
    found = detector.detect()["is_anomaly"].to_numpy()
    assert found[labels].sum() >= 3
    assert found[~labels].sum() <= 2


@pytest.mark.parametrize("labels", [np.zeros(700), np.ones(700)])
def test_labels_that_are_all_alike_are_refused(clean, labels):
    with pytest.raises(ParameterError, match="anomalous"):
        AnomalyDetector().fit(clean).fit_threshold(labels)


def test_labels_of_another_length_are_refused(clean):
    with pytest.raises(ParameterError, match="3 labels for 700 rows"):
        AnomalyDetector().fit(clean).fit_threshold([0, 1, 0])


def test_any_model_of_the_package_can_be_the_forecaster(clean):
    clean.iloc[600] += 15
    table = AnomalyDetector(SeasonalNaive()).fit(clean).detect()
    assert table["is_anomaly"].iloc[600]
    fitted = SeasonalNaive().fit(clean)
    detector = AnomalyDetector(fitted).fit(clean)
    assert detector.forecaster_ is fitted


def test_a_period_in_rows_that_are_only_counted_is_found():
    t = np.arange(1500)
    y = np.sin(2 * np.pi * t / 60) + np.random.default_rng(0).normal(0, 0.1, 1500)
    detector = AnomalyDetector().fit(y)
    assert detector.panel_.season_length == 60
    assert AnomalyDetector(season_length=1).fit(y).panel_.season_length == 1


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"alpha": 0}, "alpha=0: expected a share"),
        ({"alpha": 1.0}, "alpha=1.0: expected a share"),
        ({"alpha": 1e-300}, "alpha=1e-300: expected a share from 1e-12, which no p-value is below, to below 1"),
        ({"patience": 10**30}, "patience=1000000000000000000000000000000: expected 1,000,000 rows at most"),
        ({"calibration_length": 10**30}, "calibration_length=1.*: expected 1,000,000,000 rows at most"),
        ({"alpha": "small"}, "alpha='small'"),
        ({"contamination": 0.7}, "contamination=0.7: expected a share above 0 and at most 0.5"),
        ({"threshold": "magic"}, "threshold='magic': expected one of 'conformal', 'pot', 'quantile'"),
        ({"channels": 3}, "channels=3: expected True or False"),
        ({"patience": 0}, "patience=0: expected a whole number of rows, 1 or more"),
        ({"calibration_length": 5}, "calibration_length=5: expected a whole number of rows, 20 or more"),
        ({"forecaster": "ARIMA"}, "forecaster=str: expected a model of tsrnn"),
        ({"season_length": 0}, "season_length=0"),
    ],
)
def test_impossible_parameters_are_refused_by_fit(clean, parameters, message):
    with pytest.raises(ParameterError, match=message):
        AnomalyDetector(**parameters).fit(clean)


def test_infinite_values_and_text_are_refused(clean):
    with pytest.raises(DataError, match="infinite"):
        AnomalyDetector().fit(clean.replace(clean.iloc[5], np.inf))
    with pytest.raises(DataError, match="1 infinite value"):
        AnomalyDetector().fit(np.array([1.0, np.inf, 2.0]))
    with pytest.raises(DataError, match="The array is not numeric"):
        AnomalyDetector().fit(np.array(["a", "b"]))
    with pytest.raises(DataError, match=r"shape \(2, 2, 2\)"):
        AnomalyDetector().fit(np.zeros((2, 2, 2)))


def test_a_table_of_another_step_is_refused(clean):
    detector = AnomalyDetector().fit(clean)
    half_hours = clean.copy()
    half_hours.index = pd.date_range("2024", periods=len(clean), freq="30min")
    with pytest.raises(FrequencyError, match="30"):
        detector.detect(half_hours)


def test_an_array_with_another_number_of_columns_is_refused():
    detector = AnomalyDetector().fit(np.column_stack([hourly(), hourly()]))
    with pytest.raises(DataError, match="3 columns; `fit` was given 2"):
        detector.predict(np.zeros((50, 3)))


def test_one_score_per_row_is_refused_for_several_series(clean):
    detector = AnomalyDetector().fit(pd.DataFrame({"a": clean, "b": clean}))
    with pytest.raises(DataError, match="2 series have more than one score per row"):
        detector.predict(pd.DataFrame({"a": clean, "b": clean}))


def test_one_score_per_row_is_refused_where_rows_are_no_times(clean):
    table = long_table(a=clean, b=clean * 2)
    with pytest.raises(DataError, match="The 1,400 rows are not one for each of the 700 times"):
        AnomalyDetector(channels=True).fit(table).score_samples(table)
    left_out = clean.drop(clean.index[300:310])
    with pytest.raises(DataError, match="The 690 rows are not one for each of the 700 times"):
        AnomalyDetector().fit_predict(left_out)


def test_a_detector_is_asked_before_it_is_fitted_in_vain(clean):
    for call in ("detect", "events"):
        with pytest.raises(NotFittedError):
            getattr(AnomalyDetector(), call)()
    with pytest.raises(NotFittedError):
        AnomalyDetector().predict(clean)


def test_events_want_a_whole_gap_and_a_table_of_detections(clean):
    detector = AnomalyDetector().fit(clean)
    with pytest.raises(ParameterError, match=r"gap=1.5"):
        detector.events(gap=1.5)
    table = detector.detect()
    assert len(detector.events(table, gap=500)) <= len(detector.events(table, gap=0))


def test_a_table_without_anomalies_has_no_events(clean):
    detector = AnomalyDetector(alpha=1e-9).fit(clean)
    events = detector.events()
    assert len(events) == 0
    assert events["start"].dtype == detector.detect()["ds"].dtype


def test_a_series_of_a_few_rows_is_not_judged_and_no_error():
    table = AnomalyDetector().fit(hourly(5)).detect()
    assert not table["is_anomaly"].any()
    assert len(table) == 5


def test_a_detector_can_be_cloned_and_its_parameters_read(clean):
    detector = clone(AnomalyDetector(alpha=0.02, threshold="pot", patience=50).fit(clean))
    assert detector.get_params()["alpha"] == 0.02
    assert not hasattr(detector, "watch_")


@pytest.mark.parametrize("value", [50.0, -3e-9, 1e150])
def test_the_first_value_of_a_series_of_zeros_is_the_only_alarm(value):
    y = pd.Series(0.0, pd.date_range("2023", periods=400, freq="D"), name="y")
    y.iloc[300] = value
    table = AnomalyDetector().fit(y).detect()
    assert table.index[table["is_anomaly"]].tolist() == [300]
    assert np.isfinite(table["score"].iloc[300])
    assert table["score"].idxmax() == 300


@pytest.mark.parametrize("threshold", ["conformal", "pot", "quantile"])
def test_one_anomaly_does_not_hide_later_ones(threshold):
    rng = np.random.default_rng(0)
    rng.normal(size=300)  # with these rows the first anomaly stands next to high scores
    y = pd.Series(100 + rng.normal(0, 2, 1000), pd.date_range("2021", periods=1000, freq="D"))
    rows = [300, 500, 700, 900]
    y.iloc[rows] = [0, 20, 40, 50]
    table = AnomalyDetector(alpha=0.001, threshold=threshold).fit(y).detect()
    assert table["is_anomaly"].iloc[rows].all()
    assert table["is_anomaly"].sum() < 10


def test_noise_that_has_grown_becomes_ordinary():
    spread = np.where(np.arange(1800) < 800, 1.0, 3.0)
    y = pd.Series(spread * np.random.default_rng(3).normal(size=1800), pd.date_range("2018", periods=1800, freq="D"))
    found = AnomalyDetector().fit(y).detect()["is_anomaly"]
    assert found.iloc[800:900].mean() > 0.1
    assert found.iloc[1300:].mean() < 0.06


def test_walks_are_not_called_far_from_a_usual_level():
    walks = {seed: np.random.default_rng(seed).normal(size=800).cumsum() for seed in range(20)}
    wide = pd.DataFrame(walks, pd.date_range("2020", periods=800, freq="D"))
    table = AnomalyDetector().fit(wide).detect()
    share = table.groupby("unique_id")["is_anomaly"].mean()
    assert share.mean() < 0.013
    assert share.max() < 0.05


@pytest.mark.parametrize("patience", [10, 20, 40, 100])
def test_a_new_level_alarms_for_as_many_rows_as_the_patience(patience):
    y = pd.Series(50 + np.random.default_rng(1).normal(size=600), pd.date_range("2021", periods=600, freq="D"))
    y.iloc[400:] += 15
    table = AnomalyDetector(patience=patience).fit(y).detect()
    found = np.flatnonzero(table["is_anomaly"].iloc[380:560]) + 380
    np.testing.assert_array_equal(found, np.arange(400, 400 + patience))


def test_after_a_new_level_of_a_flat_series_there_is_no_missing_season():
    y = pd.Series(5.0, pd.date_range("2021", periods=1500, freq="h"))
    y.iloc[400:] = 9.0
    detector = AnomalyDetector().fit(y)
    events = detector.events()
    assert events["kind"].iloc[0] == "level shift"
    assert "missing season" not in events["kind"].tolist()
    assert detector.detect()["is_anomaly"].sum() < 125  # the patience is 100


def office(weeks, noise=0.03, seed=0):
    """The hourly load of an office: 1,000 in the day on weekdays, else 200; with whether it is a weekend."""
    hours = pd.date_range("2023-01-02", periods=168 * weeks, freq="h", name="ds")
    weekend = hours.day_of_week.to_numpy() >= 5
    open_ = ~weekend & (hours.hour.to_numpy() >= 7) & (hours.hour.to_numpy() < 19)
    noise_ = np.exp(np.random.default_rng(seed).normal(0, noise, len(hours)))
    return pd.Series(np.where(open_, 1000, 200) * noise_, hours, name="y"), weekend


@pytest.mark.parametrize(("patience", "learnt"), [(None, 2), (400, 4)])
def test_weekends_are_learnt_when_they_have_come_again_for_the_patience(patience, learnt):
    y, weekend = office(8)
    table = AnomalyDetector(patience=patience).fit(y).detect()
    late = weekend & (np.arange(len(y)) >= 168 * learnt)
    assert table["is_anomaly"][late].mean() < 0.02
    assert (table["y"] - table["expected"])[late].abs().mean() < 20
    early = weekend & ~late
    assert table["is_anomaly"][early].mean() > 0.3


def test_a_weekend_that_is_unlike_those_learnt_is_an_anomaly():
    y, weekend = office(8)
    hour = np.arange(len(y))
    fault = weekend & (hour // 168 == 5)
    y[fault] = y[(hour // 168 == 5) & (hour % 168 < 48)].to_numpy()
    found = AnomalyDetector().fit(y).detect()["is_anomaly"]
    assert found[fault].mean() > 0.4  # all hours of its two days of work
    assert found[weekend & (hour // 168 == 6)].mean() < 0.05


def test_a_dip_that_comes_every_day_from_now_on_is_learnt():
    y = hourly(168 * 6, day=20.0, noise=0.5)
    hour = np.arange(len(y))
    dips = (hour % 24 == 12) & (hour > 168 * 3)
    y[dips] -= 30
    found = AnomalyDetector().fit(y).detect()["is_anomaly"]
    assert found[dips & (hour < 168 * 4)].all()
    assert not found[dips & (hour >= 168 * 5)].any()


@pytest.mark.parametrize("threshold", ["conformal", "pot", "quantile"])
def test_a_sale_of_a_slow_mover_is_no_anomaly_but_one_of_another_size_is(threshold):
    sales = 3.0 * (np.random.default_rng(0).random((4, 1000)) < np.array([[0.04], [0.08], [0.1], [0.15]]))
    sales[:, 900] = 15
    wide = pd.DataFrame(sales.T, pd.date_range("2020", periods=1000))
    table = AnomalyDetector(threshold=threshold).fit(wide).detect()
    found = table["is_anomaly"].to_numpy().reshape(4, 1000)
    assert found[:, 900].all()
    assert found[:, :900].mean() < 0.02
    assert found[:, 300:900][sales[:, 300:900] > 0].mean() < 0.15


def test_what_happens_often_does_not_hide_what_is_farther_away():
    rng = np.random.default_rng(1)
    y = 100 + rng.normal(0, 2, 1200) - 40 * (rng.random(1200) < 0.04)
    y[1000] = 20
    table = AnomalyDetector().fit(pd.Series(y, pd.date_range("2020", periods=1200, freq="D"))).detect()
    assert table["is_anomaly"].iloc[1000]
    dips = (y < 80) & (np.arange(1200) > 300) & (np.arange(1200) != 1000)
    assert table["is_anomaly"][dips].mean() < 0.1
    assert (table["p_value"][dips] > 0.02).mean() > 0.8


def test_each_new_level_is_accepted_sooner_than_the_one_before():
    y = pd.Series(50 + np.random.default_rng(1).normal(size=1100), pd.date_range("2021", periods=1100, freq="D"))
    starts = [300, 500, 700]
    for start in starts:
        y.iloc[start:] += 15
    found = AnomalyDetector(patience=80).fit(y).detect()["is_anomaly"].to_numpy()
    assert found[starts[:2]].all()
    alarms = [int(found[start : start + 190].sum()) for start in starts]
    assert alarms[0] == 80
    assert alarms[1] <= 50
    assert 10 < alarms[2] <= 30


def test_a_season_is_missed_only_where_there_was_one():
    day = np.sin(2 * np.pi * np.arange(24) / 24)
    flat = np.zeros(24)
    assert kind_of(flat, day, 24, 0.1) == "missing season"
    assert kind_of(flat, day, 24, 0.1, before=day) == "missing season"
    assert kind_of(flat, day, 24, 0.1, before=flat + 1e-3) == "change of variance"
    too_few = np.r_[flat[:6], np.full(18, np.nan)]
    assert kind_of(flat, day, 24, 0.1, before=too_few) == "missing season"


@pytest.mark.parametrize("forecaster", [None, SeasonalNaive()], ids=["base", "per series"])
def test_a_fit_tells_of_its_rows_evenly_and_once(forecaster):
    table = long_table(a=hourly(1000), b=hourly(400, seed=1))
    shares = []
    with listening(shares.append):
        AnomalyDetector(forecaster).fit(table)
    assert (np.diff(shares) >= -1e-12).all()
    assert shares[0] == 0.0
    assert shares[-1] == pytest.approx(1.0)
    assert np.interp(0.5, shares, np.linspace(0, 1, len(shares))) == pytest.approx(0.5, abs=0.2)


def test_many_series_tell_of_their_rows_in_order():
    values = np.random.default_rng(0).normal(size=(30, TOGETHER + 8))
    table = pd.DataFrame(values, index=pd.date_range("2024", periods=30, freq="h"))
    shares = []
    with listening(shares.append):
        AnomalyDetector().fit(table)
    assert (np.diff(shares) >= -1e-12).all()
    assert shares[-1] == pytest.approx(1.0)
