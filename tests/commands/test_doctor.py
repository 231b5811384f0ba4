import json
import shutil

import pytest

from tsrnn.commands import checks


def test_the_doctor_finds_this_installation_in_order(run):
    code, out, err = run("doctor", "--format", "json", "--quiet")
    found = json.loads(out)
    assert code == 0, out + err
    assert found["healthy"] is True
    assert [check["name"] for check in found["checks"] if not check["passed"]] == []
    assert {"tsrnn", "python", "torch", "pandas"} <= set(found["versions"])
    assert {"cores", "threads", "gpu", "device"} <= set(found["machine"])


@pytest.mark.parametrize("broken", ["nan", "worse", "crossed", "raises"])
def test_a_wrong_forecast_is_a_failed_check_and_an_exit_code(run, monkeypatch, broken):
    from tsrnn.forecasting.arima import ARIMA

    right = ARIMA.predict

    def wrong(self, *args, **kwargs):
        table = right(self, *args, **kwargs)
        if broken == "raises":
            raise RuntimeError("libgomp is missing")
        if broken == "crossed":
            return table.assign(**{"yhat-lo-80": table["yhat-hi-80"] + 1})
        return table.assign(**{"yhat": float("nan")} if broken == "nan" else {
            name: table[name] + 500 for name in ("yhat", "yhat-lo-80", "yhat-hi-80")
        })  # fmt: skip

    monkeypatch.setattr(ARIMA, "predict", wrong)
    monkeypatch.setattr(checks, "CHECKS", {"ARIMA": checks.CHECKS["ARIMA"], "data sets": checks.CHECKS["data sets"]})
    code, out, err = run("doctor")
    assert code == 1
    said = {"nan": "not finite", "worse": "expected less", "crossed": "do not hold", "raises": "libgomp is missing"}
    assert said[broken] in out
    assert "FAILED  ARIMA" in out
    assert "1 of 2 checks failed." in out
    assert "Traceback" not in out + err


def test_every_file_of_the_base_model_is_looked_at(run, monkeypatch, tmp_path):
    from tsrnn.pretrained import weights

    shutil.copytree(weights.WEIGHTS, tmp_path / "weights")
    (tmp_path / "weights" / "any_season.safetensors").unlink()
    load = weights.load_member.__wrapped__
    monkeypatch.setattr(weights, "load_member", lambda member: load(member, tmp_path / "weights"))
    name = "weights of the base model"
    monkeypatch.setattr(checks, "CHECKS", {name: checks.CHECKS[name]})
    code, out, _ = run("doctor")
    assert code == 1
    assert "any_season.safetensors are missing. Install tsrnn again" in out


def test_an_extra_that_is_missing_is_no_failure(run, monkeypatch):
    from importlib.metadata import PackageNotFoundError

    def version(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(checks, "version", version)
    monkeypatch.setattr(checks, "CHECKS", {"Parquet": checks.CHECKS["Parquet"]})
    code, out, _ = run("doctor")
    assert code == 0
    assert "skipped Parquet: pyarrow is not installed" in out
    assert "not installed (an extra)" in out
