import numpy as np
import pytest

from tests.conftest import monthly_table
from tsrnn.evaluation.backtest import backtest
from tsrnn.forecasting.ensemble import Ensemble
from tsrnn.forecasting.forecaster import Forecaster
from tsrnn.forecasting.progress import listening, part, tell
from tsrnn.forecasting.strategy import LAST_STEPS
from tsrnn.forecasting.theta import Theta


def told_by(work):
    shares = []
    with listening(shares.append):
        work()
    return shares


def test_nothing_happens_where_nobody_listens():
    with part(0.0, 0.5):
        tell(1.0)


def test_parts_of_parts_are_shares_of_the_whole():
    def work():
        with part(0.5, 1.0), part(0.0, 0.5):
            tell(0.5)

    assert told_by(work) == [0.5, 0.5, 0.625, 0.75, 1.0]


def test_a_listener_is_gone_after_an_error():
    shares = []
    with pytest.raises(ValueError, match="broke"), listening(shares.append):
        raise ValueError("broke")
    tell(0.5)
    assert shares == []


@pytest.mark.parametrize(
    "model",
    [
        Theta(n_jobs=1),
        Theta(n_jobs=2),
        Ensemble(["Theta", "SeasonalNaive"]),
        Forecaster(max_steps=100, horizon=3),
        Forecaster(max_steps=10, horizon=3, ensemble_size=2),
        Forecaster(strategy="zero-shot"),
        Forecaster(strategy="fine-tune", max_steps=4),
        Forecaster(strategy="scratch", max_steps=10, ensemble_size=3, hidden_size=8),
    ],
    ids=["here", "processes", "ensemble", "training", "trainings", "zero-shot", "fine-tune", "scratch"],
)
def test_a_fit_tells_how_far_it_is_and_never_goes_back(model):
    table = monthly_table(n_series=4)
    shares = told_by(lambda: model.fit(table))
    assert len(shares) >= 2
    assert (np.diff(shares) >= 0).all()
    assert shares[-1] == 1.0


def test_the_last_steps_of_a_training_are_told_of_too():
    model = Forecaster(strategy="scratch", max_steps=500, horizon=3, hidden_size=8, batch_size=8)
    shares = told_by(lambda: model.fit(monthly_table(n_series=2)))
    trained = 1 / (1 + LAST_STEPS)
    assert pytest.approx(trained) in shares
    assert any(trained + 0.01 < share < 0.99 for share in shares)


@pytest.mark.parametrize("options", [{}, {"refit": 1}, {"time_budget": 1000}], ids=str)
def test_a_backtest_tells_how_far_it_is_and_never_goes_back(options):
    table = monthly_table(n_series=2)
    shares = told_by(lambda: backtest(["Theta", "SeasonalNaive"], table, h=3, n_windows=3, n_jobs=1, **options))
    assert len(shares) > 4
    assert (np.diff(shares) >= -1e-12).all()
    assert shares[-1] == pytest.approx(1.0)
