"""Forecast time series with recurrent networks, judged against ARIMA.

The public names load on first use, so that ``import tsrnn`` is quick and brings neither torch nor pandas.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tsrnn.anomaly.detector import AnomalyDetector
    from tsrnn.anomaly.metrics import event_scores, vus_pr
    from tsrnn.datasets import list_datasets, load_dataset, load_text
    from tsrnn.errors import TsrnnError
    from tsrnn.evaluation.backtest import BacktestResult, backtest
    from tsrnn.forecasting.arima import ARIMA
    from tsrnn.forecasting.drift import Drift
    from tsrnn.forecasting.ensemble import Ensemble
    from tsrnn.forecasting.ets import ETS
    from tsrnn.forecasting.forecaster import Forecaster
    from tsrnn.forecasting.foreign import ForeignModel
    from tsrnn.forecasting.naive import Naive, SeasonalNaive
    from tsrnn.forecasting.theta import Theta
    from tsrnn.forecasting.window_average import WindowAverage
    from tsrnn.preprocessing.differences import Difference
    from tsrnn.preprocessing.power import BoxCox, Log
    from tsrnn.preprocessing.series_scaler import SeriesScaler
    from tsrnn.preprocessing.sliding import SlidingWindow
    from tsrnn.preprocessing.window_scaler import WindowScaler
    from tsrnn.reporting.anomalies import anomaly_figure, write_anomaly_page
    from tsrnn.reporting.figures import error_by_step_figure, forecast_figure
    from tsrnn.reporting.report import write_report
    from tsrnn.reporting.text_figures import perplexity_figure, state_figure
    from tsrnn.sequences.classifier import SequenceClassifier
    from tsrnn.sequences.ngram import NgramBaseline
    from tsrnn.sequences.text_generator import TextGenerator
    from tsrnn.sequences.ts_files import read_ts

__version__ = "0.1.0"

_HOMES = {
    "AnomalyDetector": "tsrnn.anomaly.detector",
    "anomaly_figure": "tsrnn.reporting.anomalies",
    "ARIMA": "tsrnn.forecasting.arima",
    "backtest": "tsrnn.evaluation.backtest",
    "BacktestResult": "tsrnn.evaluation.backtest",
    "BoxCox": "tsrnn.preprocessing.power",
    "Difference": "tsrnn.preprocessing.differences",
    "Drift": "tsrnn.forecasting.drift",
    "Ensemble": "tsrnn.forecasting.ensemble",
    "event_scores": "tsrnn.anomaly.metrics",
    "error_by_step_figure": "tsrnn.reporting.figures",
    "ETS": "tsrnn.forecasting.ets",
    "forecast_figure": "tsrnn.reporting.figures",
    "Forecaster": "tsrnn.forecasting.forecaster",
    "ForeignModel": "tsrnn.forecasting.foreign",
    "list_datasets": "tsrnn.datasets",
    "load_dataset": "tsrnn.datasets",
    "load_text": "tsrnn.datasets",
    "Log": "tsrnn.preprocessing.power",
    "Naive": "tsrnn.forecasting.naive",
    "read_ts": "tsrnn.sequences.ts_files",
    "NgramBaseline": "tsrnn.sequences.ngram",
    "perplexity_figure": "tsrnn.reporting.text_figures",
    "SeasonalNaive": "tsrnn.forecasting.naive",
    "SequenceClassifier": "tsrnn.sequences.classifier",
    "SeriesScaler": "tsrnn.preprocessing.series_scaler",
    "SlidingWindow": "tsrnn.preprocessing.sliding",
    "state_figure": "tsrnn.reporting.text_figures",
    "TextGenerator": "tsrnn.sequences.text_generator",
    "Theta": "tsrnn.forecasting.theta",
    "vus_pr": "tsrnn.anomaly.metrics",
    "WindowAverage": "tsrnn.forecasting.window_average",
    "WindowScaler": "tsrnn.preprocessing.window_scaler",
    "TsrnnError": "tsrnn.errors",
    "write_anomaly_page": "tsrnn.reporting.anomalies",
    "write_report": "tsrnn.reporting.report",
}

__all__ = [
    "ARIMA",
    "ETS",
    "AnomalyDetector",
    "BacktestResult",
    "BoxCox",
    "Difference",
    "Drift",
    "Ensemble",
    "Forecaster",
    "ForeignModel",
    "Log",
    "Naive",
    "NgramBaseline",
    "SeasonalNaive",
    "SequenceClassifier",
    "SeriesScaler",
    "SlidingWindow",
    "TextGenerator",
    "Theta",
    "TsrnnError",
    "WindowAverage",
    "WindowScaler",
    "__version__",
    "anomaly_figure",
    "backtest",
    "error_by_step_figure",
    "event_scores",
    "forecast_figure",
    "list_datasets",
    "load_dataset",
    "load_text",
    "perplexity_figure",
    "read_ts",
    "state_figure",
    "vus_pr",
    "write_anomaly_page",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'tsrnn' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
