import numpy as np
import pandas as pd
import pytest

from tsrnn import AnomalyDetector, Forecaster, Naive
from tsrnn.data.coarse_steps import REFUSED, find_coarse_steps
from tsrnn.data.continuing import join_newer
from tsrnn.data.tables import read_panel
from tsrnn.errors import FrequencyError


def table_of(**stamps):
    frames = [pd.DataFrame({"unique_id": name, "ds": ds, "y": np.arange(len(ds)) + 1.0}) for name, ds in stamps.items()]
    return pd.concat(frames, ignore_index=True)


def steps(freq, n, start="2020-01-01", **options):
    return pd.date_range(start, periods=n, freq=freq, **options)


MIXED = [
    (steps("D", 400), steps("MS", 8), "in every 29 to 31 steps of the table's grid, daily", "'D'"),
    (steps("D", 400), steps("ME", 8), "in every 30 to 31 steps|in every 29 to 31 steps", "'D'"),
    (steps("h", 400), steps("D", 10), "in every 24 steps of the table's grid, hourly", "'h'"),
    (
        steps("h", 400, tz="Europe/Berlin", start="2020-03-24"),
        steps("D", 12, tz="Europe/Berlin", start="2020-03-24"),
        "in every 23 to 24 steps of",
        "'h'",
    ),
    (steps("B", 300), steps("BME", 9), "in every 20 to 23 steps of the table's grid, business days", "'B'"),
    (steps("D", 100), steps("W", 10), "in every 7 steps of", "'D'"),
    (steps("MS", 60), steps("QS", 14), r"in every 3 steps of the table's grid, monthly \(start of month\)", "'MS'"),
    (steps("QS", 60), steps("YS", 12), "in every 4 steps of", "'QS-JAN'"),
    (np.arange(99), np.arange(0, 99, 11), "in every 11 steps of the table's grid, integer time", "1"),
]


@pytest.mark.parametrize(("fine", "coarse", "told", "freq"), MIXED)
@pytest.mark.parametrize("form", ["long", "wide"])
def test_a_series_of_a_coarser_step_is_refused_by_name_with_the_cure(fine, coarse, told, freq, form):
    table = table_of(fine=fine, slow=coarse)
    if form == "wide":
        table = table.pivot_table(index="ds", columns="unique_id", values="y").rename_axis(columns=None)
    message = (
        rf"Series 'slow' has one row (?:{told}).* Fit it apart, or resample the others to its step\. To read the steps "
        rf"between as missing values all the same, pass freq={freq}\."
    )
    with pytest.raises(FrequencyError, match=message):
        read_panel(table)


@pytest.mark.parametrize(
    ("coarse", "told"),
    [
        (steps("MS", 36).delete(17), "28 to 31"),
        (steps("MS", 36).delete([5, 6, 25]), "29 to 31"),
        (steps("W", 150).delete(70), "7"),
        (steps("W", 150).union(steps("D", 1, start="2021-03-02")), "7"),
        (steps("W", 150).union(steps("D", 1, start="2021-03-01")), "7"),
    ],
)
def test_an_absent_or_odd_row_hides_no_coarser_step(coarse, told):
    table = table_of(fine=steps("D", 1100), slow=coarse)
    with pytest.raises(FrequencyError, match=f"Series 'slow' has one row in every {told} steps of"):
        read_panel(table)
    assert any(f"'slow' has one row in every {told} steps" in note for note in read_panel(table, freq="D").notes)


def test_a_row_without_a_value_hides_no_coarser_step():
    table = table_of(fine=steps("D", 1100), slow=steps("MS", 36))
    table.loc[1117, "y"] = np.nan
    assert any("'slow' has one row in every 28 to 31 steps" in note for note in read_panel(table).notes)


def test_an_odd_row_is_no_finer_series():
    panel = read_panel(table_of(slow=steps("W", 150).union(steps("D", 1, start="2021-03-01"))), freq="D")
    assert not any("one row in every" in note for note in panel.notes)


def test_several_series_are_counted_and_five_are_named():
    table = table_of(fine=steps("D", 400), **{f"m{i}": steps("MS", 12) for i in range(7)})
    message = (
        r"7 of 8 series have no row in most steps of the table's grid, daily, but one each: 'm0' in every 29 to 31 "
        r"steps, 'm1' .*'m4' in every 29 to 31 steps, \.\.\.\. Expected .*Fit them apart, or resample the others to th"
    )
    with pytest.raises(FrequencyError, match=message):
        read_panel(table)


def test_where_the_step_is_given_the_rows_between_are_missing_and_a_note_says_so():
    table = table_of(daily=steps("D", 60), weekly=steps("W", 20))
    expected = (
        "Series 'weekly' has one row in every 7 steps of the table's grid, daily: forecasts of the steps between rest "
        "on nothing; fit apart, or resample."
    )
    assert expected in read_panel(table, freq="D").notes
    model = Forecaster(freq="D", strategy="zero-shot").fit(table)
    assert model.notes_.count(expected) == 1
    assert f"note      {expected}" in model.summary()


def test_too_few_rows_to_be_sure_are_noted():
    table = table_of(daily=steps("D", 120), monthly=steps("MS", 4), other=steps("D", 100))
    assert any("Series 'monthly' has one row in every 29 to 31 steps" in note for note in read_panel(table).notes)


def test_a_note_goes_with_the_rows_that_it_was_about():
    table = table_of(daily=steps("D", 120), monthly=steps("MS", 4))
    model = Naive().fit(table)
    assert any("one row in every" in note for note in model.panel_.notes)
    model.update(table_of(monthly=steps("D", 5, start="2020-04-02")))
    assert not any("one row in every" in note for note in model.panel_.notes)
    zero_shot = Forecaster(strategy="zero-shot").fit(table)
    assert any("one row in every" in note for note in zero_shot.notes_)
    zero_shot.update(table_of(monthly=steps("D", 5, start="2020-04-02")))
    assert not any("one row in every" in note for note in zero_shot.notes_)


@pytest.mark.parametrize("seed", range(20))
def test_rows_that_come_now_and_then_are_taken(seed):
    rng = np.random.default_rng(seed)
    days = steps("D", 200)
    shares = np.r_[1.0, rng.uniform(0.02, 0.5, 40)]
    panel = read_panel(pd.DataFrame(np.where(rng.random((200, 41)) < shares, 1.0, np.nan), days).add_prefix("s"))
    assert panel.n_series == 41
    found = find_coarse_steps(panel.y, panel.offsets)
    assert (found.chance > REFUSED).all()


@pytest.mark.parametrize(
    "days",
    [
        steps("D", 60).delete(slice(10, 50)),  # every day, and a gap
        steps("W", 30).union(steps("D", 3, start="2020-08-03")),  # weeks, and then days
        steps("W-MON", 20).union(steps("W-THU", 20)),  # twice a week
        steps("MS", 2),
    ],
)
def test_other_gaps_are_no_step(days):
    panel = read_panel(table_of(daily=steps("D", 300), other=days))
    assert not any("one row in every" in note for note in panel.notes)


def test_without_a_finer_series_rows_are_missing_and_no_step_is_coarser():
    days = steps("D", 100)[::2].delete(slice(0, 40, 5))
    panel = read_panel(table_of(a=days, b=days), freq="D")
    assert not any("one row in every" in note for note in panel.notes)


def test_rows_without_a_value_are_the_series_own_steps():
    days = pd.date_range("2024-01-01", periods=60)
    full = pd.DataFrame({"unique_id": "full", "ds": days, "y": np.arange(60.0)})
    gaps = full.assign(unique_id="gaps", y=np.where(np.arange(60) % 3 == 0, 1.0, np.nan))
    panel = read_panel(pd.concat([full, gaps]))
    assert any("'gaps' has one row in every 3 steps" in note for note in panel.notes)
    with pytest.raises(FrequencyError, match="'gaps' has one row in every 3 steps"):
        read_panel(pd.concat([full, gaps.dropna()]))


WEEKS = table_of(shop=steps("W", 20, start="2020-05-01"))


@pytest.mark.parametrize(
    "use",
    [
        lambda model: model.predict(2, df=WEEKS),
        lambda model: model.predict(2, df=WEEKS.assign(unique_id="another")),
        lambda model: model.update(WEEKS),
        lambda model: join_newer(model.panel_, read_panel(WEEKS, freq=model.panel_.frequency)),
    ],
)
def test_weeks_are_no_rows_for_a_model_of_days(use):
    model = Naive().fit(table_of(shop=steps("D", 100)))
    before = model.predict(3)
    message = r"Series '\w+' has one row in every 7 steps of the fitted grid, daily\. .* fit again on a table of"
    with pytest.raises(FrequencyError, match=message):
        use(model)
    pd.testing.assert_frame_equal(model.predict(3), before)


def test_weeks_are_not_judged_by_a_detector_of_days():
    detector = AnomalyDetector(Naive()).fit(table_of(shop=steps("D", 100)))
    with pytest.raises(FrequencyError, match="one row in every 7 steps of the fitted grid, daily"):
        detector.detect(WEEKS)


def test_a_few_rows_a_week_apart_are_days_with_gaps():
    model = Naive().fit(table_of(shop=steps("D", 100)))
    assert model.predict(1, df=WEEKS[:3])["ds"].tolist() == [pd.Timestamp("2020-05-18")]
    assert model.update(WEEKS[:3]).panel_.lengths.tolist() == [138]


def test_weeks_go_on_where_weeks_were_fitted_as_days():
    model = Naive(freq="D").fit(table_of(shop=steps("W", 18), other=steps("D", 100)))
    assert model.predict(1, df=WEEKS)["ds"].tolist() == [pd.Timestamp("2020-09-14")]
    assert model.update(WEEKS).panel_.lengths.tolist() == [253, 100]
