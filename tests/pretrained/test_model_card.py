import re
from pathlib import Path

import pandas as pd
import pytest

from tsrnn.pretrained.family import MEMBERS
from tsrnn.pretrained.service import served_by
from tsrnn.pretrained.weights import WEIGHTS

CARD = (WEIGHTS / "MODEL_CARD.md").read_text(encoding="utf-8")
CHECKOUT = Path(__file__).parents[2]
RESULTS = max((CHECKOUT / "benchmarks" / "results").glob("accuracy-*.csv"))
SETS = {"exchange rates daily": "exchange_rate_daily", "CIF 2016 monthly": "cif2016_monthly"}


def rows(text, first):
    """Return the cells of the table whose header begins with a cell."""
    _, table = text.split(f"| {first} |", 1)
    lines = table.split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def numbers(text):
    return [int(digits.replace(",", "")) for digits in re.findall(r"\d[\d,]*(?!\d)", text)]


FILES = [(name, *cells) for names, *cells in rows(CARD, "networks") for name in re.findall(r"`(\w+)`", names)]


def test_the_card_names_every_network_once():
    assert sorted(name for name, *_ in FILES) == sorted(MEMBERS)


@pytest.mark.parametrize(("name", "served", "patch", "histories", "steps"), FILES, ids=[row[0] for row in FILES])
def test_the_card_says_what_a_network_reads_and_forecasts(name, served, patch, histories, steps):
    member = MEMBERS[name]
    weeks = histories.replace("five weeks", str(5 * 168))
    lengths = [int(length) for length in re.findall(r"\b\d+\b", served.split("(")[0])]
    assert [member.patch_length] == numbers(patch)
    assert [member.context_length, member.serving_size(member.seasons[0][0]).context_length] == numbers(weeks)
    assert [member.horizon, *([member.far] if member.far else [])] == numbers(steps)
    assert [m for m in range(1, 400) if name in known_by(m)] == sorted(lengths)


def known_by(season_length):
    """Return the names of the networks that serve a season length which they have learnt."""
    service = served_by(season_length)
    return [] if service.note else [member.name for member in service.members]


def scores(name):
    """Return the MASE that was measured last of a set, by model and seed."""
    table = pd.read_csv(RESULTS)
    return table[table["set"] == name].set_index(["model", "seed"])


def rounded(text):
    return [float(number) for number in re.findall(r"\d*\.\d+", text)]


@pytest.mark.parametrize("row", rows(CARD, "set"), ids=lambda row: row[0])
def test_the_cards_scores_are_those_measured_last(row):
    name, base, *peers, intervals = row
    measured = scores(name)
    models = ["zero-shot", "SeasonalNaive", "AutoARIMA", "AutoETS", "AutoTheta"]
    for model, cell in zip(models, [base, *peers], strict=True):
        assert rounded(cell) == [round(score, 3) for score in measured["mase"].get(model, [])]
    held = measured.loc[("zero-shot", 0), ["coverage_80", "coverage_95"]]
    assert intervals == " / ".join(f"{100 * share:.0f} %" for share in held)


README = (CHECKOUT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("row", rows(README, "set"), ids=lambda row: row[0])
def test_the_readmes_scores_are_those_measured_last(row):
    name, *cells = row
    measured = scores(SETS.get(name, name.replace(" ", "_").lower()))
    models = ["zero-shot", "auto", "SeasonalNaive", "AutoARIMA", "AutoETS", "AutoTheta"]
    for model, cell in zip(models, cells, strict=True):
        assert rounded(cell) == [round(score, 3) for score in measured["mase"].get(model, [])]
