"""What fails leaves a fitted model as it was."""

import numpy as np
import pandas as pd
import pytest

from tests.conftest import monthly_table
from tsrnn import ARIMA, Ensemble, Forecaster, Log, Naive, SeasonalNaive
from tsrnn.errors import DataError, ParameterError, ShortSeriesError, TrainingError
from tsrnn.forecasting.saving import load_forecaster

QUICK = {"max_steps": 2, "hidden_size": 4, "batch_size": 8, "horizon": 5}


def later_rows(value):
    ids = [f"series {i}" for i in range(3)]
    return pd.DataFrame({"unique_id": ids, "ds": pd.Timestamp("2020-01-01"), "y": [value] * 3})


@pytest.mark.parametrize(
    ("change", "table", "error", "message"),
    [
        ({"hidden_size": -1}, monthly_table(), ParameterError, "hidden_size=-1"),
        ({"device": "abacus"}, monthly_table(), ParameterError, "device='abacus'"),
        ({"random_state": -1}, monthly_table(), ParameterError, "random_state=-1"),
        ({"quantiles": (0.0, 1.0)}, monthly_table(), ParameterError, "quantiles"),
        ({}, monthly_table(n_rows=6), ShortSeriesError, "6 rows"),
        ({"transform": "log"}, monthly_table().assign(y=-1.0), DataError, "Negative values"),
        ({}, pd.DataFrame({"ds": [], "y": []}), DataError, "no rows"),
        ({"strategy": "zero-shot"}, monthly_table(), ParameterError, "uses the base model"),
    ],
)
def test_a_fit_that_fails_leaves_the_fitted_model_as_it_was(change, table, error, message, tmp_path):
    model = Forecaster(**QUICK).fit(monthly_table())
    forecast, told = model.predict(7), model.summary()
    parameters = model.get_params()
    with pytest.raises(error, match=message):
        model.set_params(**change).fit(table)
    pd.testing.assert_frame_equal(model.set_params(**parameters).predict(7), forecast, check_exact=True)
    assert model.summary() == told
    model.save(tmp_path / "model")
    pd.testing.assert_frame_equal(Forecaster.load(tmp_path / "model").predict(7), forecast, check_exact=True)


def test_an_interrupted_fit_leaves_the_fitted_model_as_it_was():
    def interrupt(progress):
        raise KeyboardInterrupt("stopped")

    model = Forecaster(**QUICK).fit(monthly_table())
    forecast = model.predict(7)
    with pytest.raises(KeyboardInterrupt, match="stopped"):
        model.set_params(verbose=interrupt).fit(monthly_table(seed=1))
    pd.testing.assert_frame_equal(model.predict(7), forecast, check_exact=True)


def test_columns_of_a_fit_that_failed_are_forgotten():
    table = monthly_table()
    model = Naive().fit(table)
    with pytest.raises(DataError, match="holds object values"):
        model.fit(
            table.rename(columns={"unique_id": "shop"}).assign(y=[[]] * len(table)), id_col="shop", target_col="y"
        )
    assert len(model.predict(2, df=table)) == 6


def test_a_training_that_broke_down_forecasts_with_its_last_finite_weights_and_is_saved(tmp_path):
    model = Forecaster(learning_rate=1e30, scaling="none", max_steps=200, hidden_size=8, horizon=5)
    with pytest.raises(TrainingError, match="are kept"):
        model.fit(monthly_table())
    forecast = model.predict(7)
    model.save(tmp_path / "model")
    pd.testing.assert_frame_equal(Forecaster.load(tmp_path / "model").predict(7), forecast, check_exact=True)


def test_an_ensemble_whose_member_breaks_down_stays_as_it_was():
    broken = Forecaster(learning_rate=1e30, scaling="none", max_steps=200, hidden_size=8)
    model = Ensemble(["Naive", "Drift"]).fit(monthly_table())
    forecast = model.predict(3)
    with pytest.raises(TrainingError, match="are kept"):
        model.set_params(models={"Naive": Naive(), "broken": broken}).fit(monthly_table(seed=1))
    pd.testing.assert_frame_equal(model.predict(3), forecast)


def test_nothing_is_saved_that_could_not_be_loaded(tmp_path):
    model = Forecaster(**QUICK).fit(monthly_table())
    model.save(tmp_path / "model")
    with pytest.raises(ParameterError, match=r"could not be loaded again, so it is not saved: transform='sqrt'"):
        model.set_params(transform="sqrt").save(tmp_path / "model")
    load_forecaster(tmp_path / "model", Forecaster).predict(2)


@pytest.mark.parametrize("transform", ["log", Log(offset=1.0), "boxcox"])
def test_an_update_with_values_that_the_transform_cannot_take_is_refused(transform):
    model = Forecaster(transform=transform, **QUICK).fit(monthly_table())
    forecast, told = model.predict(7), model.summary()
    with pytest.raises(DataError, match=r"3 of 183 values are too small for a logarithm or a power"):
        model.update(later_rows(-1.0))
    pd.testing.assert_frame_equal(model.predict(7), forecast, check_exact=True)
    assert model.summary() == told
    assert np.isfinite(model.update(later_rows(50.0)).predict(7)["yhat"]).all()


@pytest.mark.parametrize("nested", [False, True])
def test_an_update_that_fails_in_one_member_leaves_all_of_an_ensemble_as_they_were(nested):
    first = Ensemble({"ARIMA": ARIMA(), "SeasonalNaive": SeasonalNaive()}) if nested else ARIMA()
    model = Ensemble({"first": first, "log": Forecaster(transform="log", **QUICK)}).fit(monthly_table())
    inner = list(model.members_["first"].members_.values()) if nested else [model.members_["first"]]
    lengths = [member.panel_.lengths.tolist() for member in inner]
    forecast = model.predict(3)
    with pytest.raises(DataError, match="Negative values"):
        model.update(later_rows(-1.0))
    pd.testing.assert_frame_equal(model.predict(3), forecast)
    assert [member.panel_.lengths.tolist() for member in inner] == lengths
