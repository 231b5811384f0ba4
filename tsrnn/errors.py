"""The exceptions of tsrnn.

::

    TsrnnError
    ├── DataError (ValueError)             a table that cannot be read as time series
    │   ├── FrequencyError                 the step between time stamps cannot be told, or does not fit
    │   └── ShortSeriesError               too few rows for what was asked
    ├── ColumnError (LookupError)          a column or series that the table does not have
    ├── ParameterError (ValueError)        an argument outside what is possible
    ├── TrainingError (ArithmeticError)    training broke down, for example by a loss of NaN
    └── MissingExtraError (ImportError)    an optional dependency is not installed

Each leaf is also a built-in kind, so code that knows nothing of tsrnn can catch it.
"""


class TsrnnError(Exception):
    """Root of all errors that tsrnn raises for a reason that the user can mend."""

    def __str__(self) -> str:
        # LookupError's own __str__ may quote the message as if it were a key.
        return str(self.args[0]) if self.args else ""


class DataError(TsrnnError, ValueError):
    """A table that cannot be read as time series."""


class FrequencyError(DataError):
    """The step between time stamps cannot be told, or a time stamp does not lie on it."""


class ShortSeriesError(DataError):
    """A series has too few rows for what was asked of it."""


class ColumnError(TsrnnError, LookupError):
    """A column or a series that the table does not have."""


class ParameterError(TsrnnError, ValueError):
    """An argument outside what is possible."""


class TrainingError(TsrnnError, ArithmeticError):
    """Training broke down; the last finite weights are kept."""


class MissingExtraError(TsrnnError, ImportError):
    """An optional dependency is not installed."""
