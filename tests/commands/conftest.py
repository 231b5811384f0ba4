import io
import sys

import pytest

from tests.conftest import monthly_table
from tsrnn import commands


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """Run `tsrnn ARGUMENTS` in an empty directory; return exit code, stdout and stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*arguments: str, stdin: str | bytes | None = None) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tsrnn", *arguments])
        monkeypatch.setenv("COLUMNS", "160")
        if stdin is not None:
            monkeypatch.setattr(
                sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin if isinstance(stdin, bytes) else stdin.encode()))
            )
        code = 0
        try:
            commands.main()
        except SystemExit as stop:
            code = stop.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def sales(tmp_path):
    monthly_table(n_series=2).to_csv(tmp_path / "sales.csv", index=False)
    return "sales.csv"
