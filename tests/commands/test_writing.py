"""Where commands put what they write."""

import os

import pytest

from tests.anomaly.conftest import hourly

NAIVE = ("forecast", "sales.csv", "--model", "Naive", "--quiet")
PAGES = {
    "--plot": NAIVE,
    "--report": ("backtest", "sales.csv", "--models", "SeasonalNaive,Naive", "--quiet"),
    "--html": ("detect", "meter.csv", "--model", "Naive", "--quiet"),
}


@pytest.fixture
def meter(tmp_path):
    hourly(450).rename("load").to_csv(tmp_path / "meter.csv")
    return "meter.csv"


@pytest.mark.parametrize("option", PAGES)
def test_a_page_goes_to_the_file_that_a_link_leads_to(run, sales, meter, tmp_path, option):
    (tmp_path / "real.html").write_text("old")
    (tmp_path / "link.html").symlink_to("real.html")
    code, _, err = run(*PAGES[option], option, "link.html")
    assert code == 0, err
    assert os.readlink(tmp_path / "link.html") == "real.html"
    assert "<!doctype html>" in (tmp_path / "real.html").read_text(encoding="utf-8")
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


@pytest.mark.parametrize("option", PAGES)
def test_a_device_stays_one(run, sales, meter, tmp_path, option):
    device = tmp_path / "device"
    try:
        # A device of our own that swallows what is written to it: a failure replaces this one, not the system's.
        os.mknod(device, 0o600 | 0o020000, os.makedev(1, 3))
        device.write_bytes(b"")
    except (PermissionError, AttributeError):
        pytest.skip("devices can be made by root alone, where the file system allows them")
    code, _, err = run(*PAGES[option], option, "device")
    assert code == 0, err
    assert device.is_char_device()
