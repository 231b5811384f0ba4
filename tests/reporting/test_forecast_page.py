import json
import re

import numpy as np
import pandas as pd
import pytest

from tests.conftest import monthly_table
from tsrnn.data.tables import read_panel
from tsrnn.errors import ParameterError
from tsrnn.forecasting.naive import SeasonalNaive
from tsrnn.reporting.forecast_page import write_forecast_page

QUANTILES = (0.1, 0.5, 0.9)


def write(panel, path, h=4, **options):
    values = SeasonalNaive().fit(panel).forecast(panel, panel.last_cutoffs(), h, QUANTILES)
    write_forecast_page(panel, values, QUANTILES, path, **{"name": "SeasonalNaive", **options})
    return path.read_text(encoding="utf-8")


def payload(page):
    return json.loads(re.search(r'<script type="application/json" id="report-data">(.*?)</script>', page)[1])


def test_the_page_holds_every_forecast_and_needs_no_network(tmp_path):
    panel = read_panel(monthly_table(n_series=3))
    page = write(panel, tmp_path / "f.html", title="Forecast of shops", notes=("one note",), command="tsrnn forecast x")
    assert "3 series, 4 steps ahead, by SeasonalNaive" in page
    for part in ("Forecast of shops", "one note", "tsrnn forecast x", "60"):
        assert part in page
    held = payload(page)["forecasts"]
    assert [series["id"] for series in held["series"]] == ["series 0", "series 1", "series 2"]
    assert held["columns"] == ["SeasonalNaive", "SeasonalNaive-lo-80", "SeasonalNaive-hi-80"]
    first = f"{panel.series(0)[-12]:,.6g}"
    assert f"<td>2020-01-01</td><td>{first}</td>" in page
    assert re.findall(r'(?:src|href)="(?!#)[^"]*"', page.split("<script")[0]) == []


def test_names_from_the_data_are_shown_and_never_run(tmp_path, hostile):
    table = monthly_table(n_series=1).assign(unique_id=hostile)
    page = write(read_panel(table), tmp_path / "f.html", title=hostile, name=hostile, command=hostile, notes=(hostile,))
    script = page.index("<script>")
    assert "<script>window.pwned" not in page
    assert "<img src=x" not in page[:script]
    assert payload(page)["forecasts"]["series"][0]["id"] == hostile


def test_of_many_series_a_stated_sample_is_shown(tmp_path):
    page = write(read_panel(monthly_table(n_series=80, n_rows=30)), tmp_path / "f.html")
    assert "80 series, 4 steps ahead" in page
    assert "it holds 50 of 80 series, drawn at random with seed 0" in page
    assert len(payload(page)["forecasts"]["series"]) == 50
    assert (tmp_path / "f.html").stat().st_size < 6e6


def test_series_without_a_forecast_are_left_out(tmp_path):
    table = monthly_table(n_series=2)
    table.loc[table["unique_id"] == "series 0", "y"] = np.nan
    with pytest.warns(UserWarning, match="1 of 2 series has no values"):
        panel = read_panel(table)
    page = write(panel, tmp_path / "f.html")
    assert "1 series, 4 steps ahead" in page
    assert [series["id"] for series in payload(page)["forecasts"]["series"]] == ["series 1"]
    values = np.full((2, 4, 3), np.nan)
    with pytest.raises(ParameterError, match="nothing to draw"):
        write_forecast_page(panel, values, QUANTILES, tmp_path / "g.html")
    with pytest.raises(ParameterError, match="a folder that does not exist"):
        write(panel, tmp_path / "no" / "f.html")


def test_whole_numbers_as_time_and_no_interval_do_as_well(tmp_path):
    table = pd.DataFrame({"unique_id": "a", "ds": range(40), "y": np.arange(40.0)})
    page = write(read_panel(table), tmp_path / "f.html", levels=())
    assert payload(page)["forecasts"]["axis"][-1] == 43


def test_long_names_that_differ_in_their_ends_alone_can_be_told_apart(tmp_path):
    table = monthly_table(n_series=3)
    stem = "a very long product name with every word of its description in the northern region, number "
    table["unique_id"] = table["unique_id"].str.replace("series ", stem, regex=False)
    page = write(read_panel(table), tmp_path / "f.html")
    cells = re.findall(r'<th scope="row" class="name" title="([^"]*)">([^<]*)</th>', page)
    assert len({shown for _, shown in cells}) == 3
    assert {whole for whole, _ in cells} == {f"{stem}{k}" for k in range(3)}
    assert all("…" in shown and len(shown) <= 60 for _, shown in cells)
    assert len(set(re.findall(r'<option value="\d">([^<]*)</option>', page))) == 3
