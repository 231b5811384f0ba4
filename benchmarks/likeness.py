"""Fit the scorecards that tell which simulated series look like real ones (`tsrnn/pretrained/likeness.py`).

    python benchmarks/likeness.py --data PATH/forecasting

Real are the training parts of public sets; the sets of one kind weigh the same. With --held-back 2 their last two
horizons are left out: so the choices were made that those horizons judge. PATH/forecasting holds SET_train.csv.gz and
SET_test.csv.gz (unique_id, ds, y); of the test parts only the number of rows is used.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression

from tsrnn.pretrained.family import MEMBERS, Member
from tsrnn.pretrained.likeness import SCORECARDS, STATISTICS, Scorecard, end_statistics, fewest_points, statistics
from tsrnn.pretrained.prior import simulate
from tsrnn.pretrained.traits import Traits

SETS = {
    1: ("m1_yearly", "tourism_yearly"),
    4: ("m1_quarterly", "tourism_quarterly"),
    12: ("m1_monthly", "tourism_monthly", "hospital_monthly", "cif2016_monthly"),
}
MOST_POINTS = {1: 120, 4: 120, 12: 240}
# The penalty's inverse is that of scikit-learn's `C`, beside weights that sum to twice SIMULATED.
SIMULATED, SEED, INVERSE_PENALTY = 16_000, 11, 0.03
# Where the curves may bend: quantiles of real and simulated series together.
BENDS = np.array([0.01, 0.05, 0.15, 0.3, 0.5, 0.7, 0.85, 0.95, 0.99])


def real_series(data: Path, name: str, season_length: int, held_back: int) -> list[np.ndarray]:
    """Return the series of a training part that are long enough, without held-back horizons."""
    train = pd.read_csv(data / f"{name}_train.csv.gz").sort_values(["unique_id", "ds"])
    horizons = pd.read_csv(data / f"{name}_test.csv.gz", usecols=["unique_id"]).groupby("unique_id").size()
    series = []
    for uid, part in train.groupby("unique_id"):
        y = part["y"].to_numpy(float)[: len(part) - held_back * int(horizons[uid])]
        if not np.isfinite(y).all():
            raise ValueError(f"{name}, {uid}: has missing values, which the statistics do not know")
        y = y[-MOST_POINTS[season_length] :]
        if len(y) >= fewest_points(season_length):
            series.append(y)
    return series


def hats(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Return the basis of the curves that are straight between places and level beyond. Shape (n, places)."""
    return np.stack([np.interp(values, places, row) for row in np.eye(len(places))], 1)


def fit(member: Member, data: Path, held_back: int) -> Scorecard:
    """Fit the scorecard of one member."""
    m = member.seasons[0][0][0]
    real, weights = [], []
    for name in SETS[m]:
        series = real_series(data, name, m, held_back)
        real += series
        weights += [1 / len(series)] * len(series)
    lengths = tuple(int(q) for q in np.quantile([len(y) for y in real], np.linspace(0.02, 0.98, 25)))
    described = np.concatenate([statistics(y[None], m) for y in real])
    rng = np.random.default_rng(SEED)
    steps = member.size().context_length + member.horizon
    traits = Traits(member.traits.growth, smooth=member.traits.smooth, drifting=member.traits.drifting)
    drawn = simulate(SIMULATED, steps, (m,), rng, traits)
    simulated = end_statistics(drawn, m, lengths, rng)
    both = np.concatenate([described, simulated])
    places = [np.unique(np.quantile(column, BENDS).round(5)) for column in both.T]
    design = np.concatenate([hats(column, at) for column, at in zip(both.T, places, strict=True)], 1)
    label = np.r_[np.ones(len(real)), np.zeros(SIMULATED)]
    share = np.r_[np.array(weights) / sum(weights), np.full(SIMULATED, 1 / SIMULATED)] * SIMULATED
    model = LogisticRegression(C=INVERSE_PENALTY, max_iter=5000).fit(design, label, sample_weight=share)
    curves, start = [], 0
    for at in places:
        heights = model.coef_[0, start : start + len(at)]
        start += len(at)
        curves.append((tuple(at.tolist()), tuple(heights.round(4).tolist())))
    return Scorecard(m, lengths, round(float(model.intercept_[0]), 4), tuple(curves))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--output", type=Path, help="default: the package's own file, which --held-back never replaces")
    parser.add_argument("--held-back", type=int, default=0, help="last horizons of the training parts to leave out")
    options = parser.parse_args()
    if options.held_back and options.output is None:
        parser.error("--held-back needs --output")
    cards = {}
    for member in MEMBERS.values():
        if member.candidates > 1:
            card = fit(member, options.data, options.held_back)
            cards[member.name] = {
                "season_length": card.season_length,
                "lengths": card.lengths,
                "intercept": card.intercept,
                "curves": dict(zip(STATISTICS, card.curves, strict=True)),
            }
    lines = [f"{json.dumps(name)}: {json.dumps(card)}" for name, card in cards.items()]
    (options.output or SCORECARDS).write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
