import numpy as np
import pandas as pd
import pytest

from tsrnn import Forecaster
from tsrnn.preprocessing.windows import EVERY_HISTORY
from tsrnn.pretrained.service import DAYS, served_by

# Season length: the member that serves it, its seasons, and whether it was trained on them.
SERVED = {
    1: ("season_1", (1,), True),
    2: ("any_season", (2,), True),
    3: ("any_season", (3,), True),
    4: ("season_4", (4,), True),
    5: ("season_5", (5,), True),
    7: ("season_7", (7,), True),
    10: ("any_season", (10,), True),
    11: ("any_season", (11,), False),
    12: ("season_12", (12,), True),
    14: ("season_7", (14,), True),
    24: ("season_24", (24, 168), True),
    26: ("any_season", (26,), True),
    30: ("any_season", (30,), True),
    36: ("season_52", (36,), True),
    48: ("season_24", (48, 336), True),
    52: ("season_52", (52,), True),
    60: ("season_7", (60,), False),
    90: ("season_7", (90,), False),
    96: ("season_24", (96, 672), True),
    100: ("season_7", (100,), False),
    144: ("season_24", (144, 1008), True),
    168: ("season_24", (168, 168), False),
    288: ("season_24", (288, 288), False),
    364: ("season_24", (364, 364), False),
    365: ("season_24", (365, 365), False),
    1440: ("season_24", (1440, 1440), False),
}


@pytest.mark.parametrize("m", SERVED)
def test_a_season_length_is_served_by_the_member_that_saw_it_or_else_by_a_near_one(m):
    service = served_by(m)
    name, seasons, trained = SERVED[m]
    assert (service.member.name, service.seasons) == (name, seasons)
    assert (service.note is None) == trained
    if not trained:
        assert f"not trained on seasons of {m}" in service.note
        assert name in service.note


def test_steps_shorter_than_a_month_without_a_season_are_read_by_the_network_of_business_days():
    service = served_by(1, slow=False)
    assert (service.member.name, service.seasons, service.note) == ("season_5", (5,), None)
    assert served_by(12, slow=False) == served_by(12)
    assert served_by(1, slow=True) == served_by(1)


@pytest.mark.parametrize("freq", ["YS", "QS", "MS", "W", "s"])
def test_the_step_says_who_reads_series_without_a_season(freq):
    y = pd.Series(np.arange(40.0) + np.cos(np.arange(40) ** 2), pd.date_range("2000", periods=40, freq=freq), name="y")
    model = Forecaster(strategy="zero-shot", season_length=1).fit(y)
    slow = freq in ("YS", "QS", "MS")
    assert model.networks_[0].size.seasons == ((1,) if slow else (5,))
    assert "season none" in model.summary()
    years = Forecaster(strategy="zero-shot").fit(y.set_axis(pd.RangeIndex(1960, 2000, name="year")))
    assert years.networks_[0].size.seasons == (1,)


@pytest.mark.parametrize(
    ("freq", "m", "member", "seasons"),
    [
        ("12h", 2, "season_7", (14,)),
        ("6h", 4, "season_7", (28,)),
        ("4h", 6, "season_7", (42,)),
        ("3h", 8, "season_24", (8, 56)),
        ("2h", 12, "season_24", (12, 84)),
        ("20min", 72, "season_24", (72, 504)),
    ],
)
def test_days_of_other_steps_than_hours_are_not_read_as_months_or_quarters(freq, m, member, seasons):
    n, h = 40 * m, 7 * m
    time = pd.date_range("2024-01-01", periods=n, freq=freq)
    week = np.where(time.day_of_week >= 5, 0.5, 1.0)  # weekends are half as high
    noise = np.random.default_rng(0).normal(0, 0.05, n)
    y = pd.Series(week * (2 + np.cos(np.arange(n) * 2 * np.pi / m)) + noise, time, name="y")
    model = Forecaster(strategy="zero-shot").fit(y[:-h])
    assert seasons in [network.size.seasons for network in model.networks_]
    assert any(f"not trained on seasons of {m}" in note and member in note for note in model.notes_)
    if freq != "20min":  # of which five weeks are too long a window to see
        assert np.abs(model.predict(h) - y[-h:]).mean() < 0.2


def test_days_read_the_week_of_shorter_steps_from_two_weeks_on():
    service = served_by(4, slow=False, day=4)
    assert [member.size(service.seasons).seasons for member in service.serving(55)] == [(4,)]
    assert [member.size(service.seasons).seasons for member in service.serving(56)] == [(28,)]
    assert [member.size(service.seasons).seasons for member in service.fine_tuned] == [(4,), (28,)]
    time = pd.date_range("2024-01-01", periods=120, freq="6h")
    long = pd.DataFrame({"unique_id": "long", "ds": time, "y": np.tile([1.0, 2, 4, 3], 30) + np.arange(120) % 28})
    few = long[-20:].assign(unique_id="few")
    model = Forecaster(strategy="zero-shot").fit(pd.concat([long, few]))
    answer = model.predict(28).set_index("unique_id")["yhat"]
    np.testing.assert_allclose(answer["long"], long["y"][-28:], atol=1.5)  # the week before
    alone = Forecaster(strategy="zero-shot").fit(few).predict(28)["yhat"]
    np.testing.assert_allclose(answer["few"], alone, rtol=1e-4)


@pytest.mark.parametrize("strategy", ["fine-tune", "auto"])
def test_fine_tuned_days_leave_short_histories_to_the_reading_of_days(monkeypatch, strategy):
    monkeypatch.setattr("tsrnn.forecasting.settings.default_steps", lambda n_windows: 60)
    time, rng = pd.date_range("2024-01-01", periods=300, freq="4h"), np.random.default_rng(0)
    day = np.tile([1.0, 2, 5, 6, 4, 2], 50)

    def table(name, n):
        return pd.DataFrame({"unique_id": name, "ds": time[-n:], "y": day[-n:] + rng.normal(0, 0.3, n)})

    few = [f"few {k}" for k in range(4)]
    panel = pd.concat([*(table(f"long {k}", 300) for k in range(4)), *(table(name, 24) for name in few)])
    model = Forecaster(strategy=strategy, horizon=6).fit(panel)
    answer = model.predict(6).set_index("unique_id")["yhat"]
    for name in few:  # before, those that learnt read a week in four days and were 1.4 to 5 off
        assert np.abs(answer[name].to_numpy() - day[:6]).mean() < 0.5


def test_hours_half_hours_and_seasons_that_are_no_day_are_served_as_before():
    for m in (24, 48, 96, 144, 288, 1440):
        assert served_by(m, slow=False, day=m) == served_by(m)
    assert served_by(12, slow=False, day=24) == served_by(12)
    assert served_by(12, slow=False, day=0) == served_by(12)


def test_short_integer_time_without_a_season_is_read_as_years():
    def table(*lengths):
        parts = [
            pd.DataFrame({"unique_id": f"s{n}", "ds": np.arange(1, n + 1), "y": 1.1 ** np.arange(n)}) for n in lengths
        ]
        return pd.concat(parts)

    def seasons(*lengths, **parameters):
        model = Forecaster(strategy="zero-shot", **parameters).fit(table(*lengths))
        return {network.size.seasons for network in model.networks_}

    assert seasons(20, season_length=1) == seasons(20) == {(1,)}
    assert seasons(60, 61, 10, season_length=1) == {(1,)}  # the median counts: some tables of years have long series
    assert seasons(61, season_length=1) == {(5,)}
    assert seasons(20, season_length=4) == {(4,)}
    # What grows by a tenth each year goes on to grow.
    model = Forecaster(strategy="zero-shot", season_length=1).fit(table(20))
    assert model.predict(6)["yhat"].iloc[-1] > 1.2 * 1.1**19


def test_intervals_of_noise_without_a_season_do_not_widen():
    y = pd.Series(np.random.default_rng(0).normal(size=400))
    answer = Forecaster(strategy="zero-shot", season_length=1).fit(y).predict(12, level=95)
    width = answer["yhat-hi-95"] - answer["yhat-lo-95"]
    assert width.iloc[-1] < 1.5 * width.iloc[0]
    assert width.between(3, 6).all()  # 2 × 1.96


def names(members):
    return [member.name for member in members]


def test_short_histories_are_left_to_the_networks_that_have_learnt_from_them():
    months = served_by(12)
    assert [member.histories.start for member in months.members] == [0, 24, 24]
    assert names(months.serving(23)) == ["season_12"]
    assert months.serving(24) == months.serving(10**6) == months.members
    assert names(served_by(24).serving(71)) == ["season_24", "season_24_dropped"]
    for m in (1, 4, 60):  # all or none of their networks have
        assert {member.histories for member in served_by(m).members} == {EVERY_HISTORY}


@pytest.mark.parametrize("m", [7, 14, 28])
def test_days_are_left_to_the_network_that_knows_the_year_once_they_show_one(m):
    days = served_by(m)
    assert names(days.serving(391)) == ["season_7", "season_7_prices"]
    assert names(days.serving(392)) == names(days.serving(10**6)) == ["season_7_year"]
    assert [member.size(days.seasons).year for member in days.members] == [0, 0, 364]


def test_networks_that_know_the_year_do_not_learn_from_a_table_where_there_are_others():
    assert names(served_by(7).fine_tuned) == ["season_7", "season_7_prices"]
    assert names(served_by(5).fine_tuned) == ["season_5"]
    assert served_by(12).fine_tuned == served_by(12).members


@pytest.mark.parametrize("m", SERVED)
@pytest.mark.parametrize("history", [0, 1, 30, 391, 392, 10**6])
def test_every_history_is_served(m, history):
    assert served_by(m).serving(history)


def test_a_season_that_is_no_part_of_the_year_is_one_itself():
    weeks = served_by(52).member
    assert [weeks.size((m,)).year for m in (52, 48, 36)] == [52, 48, 36]
    assert served_by(5).member.size((5,)).year == 260


@pytest.mark.parametrize(
    ("freq", "m", "seasons", "note"),
    [
        ("D", 365, (7,), "a season of 365 as the year beside a season of 7"),
        ("B", 261, (5,), "a season of 261 as the year beside a season of 5"),
        ("h", 8760, (24, 168), "a season of 8760 as a season of 24; it knows no year of such steps"),
        ("MS", 365, (365, 365), "not trained on seasons of 365"),
    ],
)
def test_a_year_is_read_beside_the_season_that_is_usual_for_the_step(freq, m, seasons, note):
    y = pd.Series(np.arange(500.0) + 30 * np.cos(np.arange(500) / 60), pd.date_range("2000", periods=500, freq=freq))
    model = Forecaster(strategy="zero-shot", season_length=m).fit(y)
    assert model.networks_[0].size.seasons == seasons
    assert note in " ".join(model.notes_)
    assert np.isfinite(model.predict(3)).all()


@pytest.mark.parametrize("m", SERVED)
def test_a_season_length_gets_a_finite_forecast_and_a_note_where_it_was_not_trained(m):
    t = np.arange(3 * m + 40)
    y = pd.Series(20 + np.sin(2 * np.pi * t / m) + 0.1 * np.cos(t), pd.RangeIndex(len(t)), name="y")
    model = Forecaster(strategy="zero-shot", season_length=m, horizon=min(m, 50)).fit(y)
    answer = model.predict(level=[80, 95]).filter(like="yhat")
    assert answer.shape == (model.default_horizon_, 5)
    assert np.isfinite(answer).all(axis=None)
    assert ("not trained on seasons" in " ".join(model.notes_)) == (not SERVED[m][2])


@pytest.mark.parametrize("m", [*range(1, 400), 408, 480, 672, 720, 1440, 8760])
def test_every_season_length_fits_into_its_member(m):
    service = served_by(m)
    size = service.member.size(service.seasons)
    assert service.seasons[0] == m
    assert len(service.seasons) == len(service.member.seasons[0][0])  # one profile each, as in training
    assert size.context_length % size.patch_length == 0
    assert size.context_length >= max(service.seasons)
    trained = service.member.size()
    read = [(s.reads.profile_count, s.reads.contrast_count, s.reads.fact_count) for s in (size, trained)]
    assert read[0] == read[1]


def test_a_day_of_minutes_is_forecast():
    y = np.tile(np.sin(2 * np.pi * np.arange(1440) / 1440), 3)
    found = Forecaster(strategy="zero-shot", season_length=1440, horizon=60).fit(pd.Series(y)).predict()
    np.testing.assert_allclose(found, y[:60], atol=0.1)


def test_days_that_the_base_knows_have_so_many_steps():
    # A network from scratch is offered the week of these days, too.
    assert DAYS == (24, 48, 96, 144)


@pytest.mark.parametrize("m", [48, 96, 144])
def test_a_monday_after_weeks_with_weekends_is_no_sunday_whatever_the_step(m):
    t = np.arange(35 * m)
    hour = t % m / m * 24
    y = 200 + np.where((t // m % 7 < 5) & (hour >= 7) & (hour < 19), 800.0, 0) + 50 * np.sin(np.pi * hour / 12)
    table = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=len(t), freq=f"{1440 // m}min"), "y": y})
    forecast = Forecaster(strategy="zero-shot").fit(table).predict(m)["y"].to_numpy()
    assert np.abs(forecast - y[:m]).mean() < 80  # a Sunday would be off by 400
