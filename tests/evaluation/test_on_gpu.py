"""The backtest of a forecaster on a GPU, which is pretended."""

import numpy as np
import pytest

from tests.conftest import monthly_table
from tsrnn import Forecaster, backtest


@pytest.mark.parametrize("refit", [False, True])
def test_a_backtest_scores_what_it_does_on_the_cpu(gpu, refit):
    scores = []
    for device in ("cpu", "cuda"):
        model = Forecaster(strategy="scratch", max_steps=3, hidden_size=8, horizon=6, device=device)
        result = backtest([model, "SeasonalNaive"], monthly_table(2), h=4, n_windows=2, refit=refit)
        scores.append(result.leaderboard[["mase", "smape"]].to_numpy())
    np.testing.assert_allclose(scores[1], scores[0], rtol=1e-5)
