"""Make the saved models of a release and their forecasts: ``python tests/forecasting/golden/make_golden.py 0.1.0``.

Run it once per release, never to mend a failing test: a model that an older tsrnn saved must go on forecasting the
same. What is there stays. Only the steps that sample paths forecast were written again, before 0.1.0 was released, when
the mixture of the paths' forecasts took the place of their values (by 8 % of the interval's width at most); those that
the networks forecast at once are as they were.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd

from tsrnn import Forecaster
from tsrnn.forecasting.saving import save_forecaster


def golden_table() -> pd.DataFrame:
    t = np.arange(48)
    months = pd.date_range("2019-01-31", periods=48, freq="ME")
    tables = [
        pd.DataFrame({"shop": name, "month": months, "sales": level + t + 10 * np.cos(2 * np.pi * t / 12)})
        for name, level in (("north", 100.0), ("south", 300.0))
    ]
    return pd.concat(tables, ignore_index=True)


def main(release: str) -> None:
    quick = {"horizon": 6, "hidden_size": 4, "max_steps": 20, "batch_size": 8, "device": "cpu"}
    models = {
        release: Forecaster(transform="log", **quick),
        f"{release}-one": Forecaster(network="one", patch_length=3, cell="lstm", bidirectional=True, **quick),
        f"{release}-autoregressive": Forecaster(network="autoregressive", patch_length=3, **quick),
    }
    for name, model in models.items():
        folder = Path(__file__).parent / name
        if folder.exists():
            continue
        model.fit(golden_table(), id_col="shop", time_col="month", target_col="sales")
        save_forecaster(model, folder)
        model.predict(8, level=80).to_csv(folder.with_name(f"{name}.csv"), index=False)


if __name__ == "__main__":
    main(sys.argv[1])
