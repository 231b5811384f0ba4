"""How the command line begins and ends: help, completion, progress, interruptions, exit codes."""

import io
import os
import signal
import subprocess
import sys
import time

import click
import numpy as np
import pandas as pd
import pytest
from joblib.externals.loky.process_executor import TerminatedWorkerError

from tests.conftest import monthly_table
from tsrnn import commands
from tsrnn.anomaly.thresholds import THRESHOLDS
from tsrnn.commands import options, voice
from tsrnn.datasets import dataset_names
from tsrnn.forecasting.levels import NEAREST_END
from tsrnn.forecasting.progress import part, tell
from tsrnn.forecasting.registry import MODELS
from tsrnn.forecasting.settings import STRATEGIES
from tsrnn.networks.cells import RECURRENT
from tsrnn.sequences.vocabulary import TOKENS

MAIN = "import sys; sys.argv[0] = 'tsrnn'; from tsrnn.commands import main; main()"
HEAVY = "{'torch', 'pandas', 'sklearn', 'statsmodels', 'plotly', 'numpy', 'rich'}"


def launch(*arguments, **options):
    return subprocess.Popen(
        [sys.executable, "-c", MAIN, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def heed_interrupts():
    """Let a process be interrupted: one that a shell put in the background ignores it, and so do its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def complete(words, incomplete):
    """Return what TAB offers, by the protocol of click's completion for bash."""
    environment = {"COMP_WORDS": " ".join(["tsrnn", *words, incomplete]), "COMP_CWORD": str(len(words) + 1)}
    done = subprocess.run(
        [sys.executable, "-c", MAIN + f"\nassert not {HEAVY} & set(sys.modules)"],
        env={**os.environ, **environment, "_TSRNN_COMPLETE": "bash_complete"},
        capture_output=True,
        text=True,
        check=False,
    )
    return [line.partition(",")[2] for line in done.stdout.splitlines()]


def test_a_command_walks_through_what_it_imports_hardly_ever():
    script = (
        "import atexit, gc, sys\n"
        "walks = []\n"
        "gc.callbacks.append(lambda phase, info: walks.append(info['generation']) if phase == 'start' else None)\n"
        "sys.argv = ['tsrnn', 'doctor']\n"
        "from tsrnn.commands import main\n"
        # Registered before what the command registers, so called after it.
        "atexit.register(lambda: print(len(walks), len(gc.get_objects()), gc.get_freeze_count()))\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    walks, alive, frozen = map(int, done.stdout.split()[-3:])
    assert walks < 60
    assert alive < 1000
    assert frozen > 100_000


@pytest.mark.parametrize("name", ["", *commands.COMMANDS])
def test_help_loads_no_heavy_module(name):
    script = (
        f"import sys; sys.argv = ['tsrnn', *{[name] if name else []}, '--help']\n"
        "from tsrnn.commands import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"heavy = {HEAVY} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "--help" in done.stdout
    if name:
        assert f"  tsrnn {name}" in done.stdout.split("Example")[1]


def test_the_package_runs_as_a_module():
    done = subprocess.run(
        [sys.executable, "-m", "tsrnn", "text", "--help"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Usage: tsrnn text ")


def test_the_names_that_help_knows_are_those_of_the_library():
    assert tuple(MODELS) == options.MODELS
    assert STRATEGIES == options.STRATEGIES
    assert NEAREST_END == options.NEAREST_END
    assert tuple(RECURRENT) == options.CELLS
    assert TOKENS == options.TOKENS
    assert THRESHOLDS == options.THRESHOLDS
    kinds = {name: type(build()).__name__ for name, build in MODELS.items()}
    assert tuple(name for name, kind in kinds.items() if kind == "Forecaster") == options.NETWORKS


def test_every_option_says_what_it_is():
    for name in commands.COMMANDS:
        command = commands.cli.get_command(click.Context(commands.cli), name)
        for parameter in command.params:
            assert isinstance(parameter, click.Argument) or parameter.help, (name, parameter.name)


def subcommands(command):
    """Return a command, or all those of a group."""
    return command.commands.values() if isinstance(command, click.Group) else [command]


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-1"])
def test_an_option_that_takes_a_number_refuses_what_is_none_or_endless(value):
    context = click.Context(commands.cli)
    every = [one for name in commands.COMMANDS for one in subcommands(commands.cli.get_command(context, name))]
    numbers = [
        (one.name, option) for one in every for option in one.params if isinstance(option.type, click.FloatRange)
    ]
    assert sum(option.name == "time_budget" for _, option in numbers) == 4
    assert not [option.name for one in every for option in one.params if type(option.type) is type(click.FLOAT)]
    for _, option in numbers:
        with pytest.raises(click.BadParameter, match=r"is not a finite number|is not in the range"):
            option.type.convert(value, option, context)


@pytest.mark.parametrize("value", ["nan", "inf", "0", "-1", "soon"])
@pytest.mark.parametrize(
    "command", ["forecast sales.csv", "fit sales.csv --save m", "backtest sales.csv", "text train sales.csv --save m"]
)
def test_a_time_budget_that_is_no_time_is_wrong_usage(run, sales, tmp_path, command, value):
    code, out, err = run(*command.split(), f"--time-budget={value}")
    assert (code, out) == (2, "")
    assert "Error: Invalid value for '--time-budget': " in err
    assert [path.name for path in tmp_path.iterdir()] == [sales]


def test_tab_completes_commands_options_models_and_data_sets():
    assert complete([], "fo") == ["forecast"]
    assert complete([], "") == list(commands.COMMANDS)
    assert "--strategy" in complete(["forecast", "x.csv"], "--st")
    assert complete(["forecast", "x.csv", "--model"], "zero") == ["zero-shot"]
    assert complete(["backtest", "x.csv", "--models"], "ARIMA,Sea") == ["ARIMA,SeasonalNaive"]
    assert complete(["datasets"], "air") == ["air_passengers"]
    assert complete(["datasets"], "") == [*dataset_names(), "hamlet"]


@pytest.mark.parametrize("group", [(), ("text",)])
def test_lists_of_commands_cut_no_sentence(run, group):
    listed = run(*group, "--help")[1].partition("Commands:\n")[2]
    assert listed
    assert "..." not in listed


def test_help_says_how_to_switch_completion_on(run):
    out = run("--help")[1]
    for shell in ("bash", "zsh", "fish"):
        assert f"_TSRNN_COMPLETE={shell}_source tsrnn" in out
        done = subprocess.run(
            [sys.executable, "-c", MAIN], env={**os.environ, "_TSRNN_COMPLETE": f"{shell}_source"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "_tsrnn_completion" in done.stdout, done.stderr
    for code in ("0 ", "1 ", "2 ", "70 ", "130 ", "141 "):
        assert f"\n    {code}" in out


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_with_the_time_left_is_drawn_after_a_while_and_taken_away(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(voice, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(voice, "LEAST_SECONDS", 0.0)
    with voice.Voice(False).working("backtest") as work, part(0.0, 0.5):
        work("ARIMA (1 of 2)")
        tell(0.5)
        time.sleep(0.6)
    drawn = sys.stderr.getvalue()
    assert "backtest: ARIMA (1 of 2)" in drawn
    assert "25%" in drawn
    assert "about 2 s left" in drawn or "about 3 s left" in drawn
    assert drawn.endswith("\x1b[2K")  # the line is cleared


@pytest.mark.parametrize("quiet", [True, False])
def test_what_is_done_at_once_or_quietly_shows_no_bar(monkeypatch, quiet):
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(voice, "PATIENCE_SECONDS", 0.05 if quiet else 5.0)
    with voice.Voice(quiet).working("forecast"):
        time.sleep(0.2)
    assert sys.stderr.getvalue() == ""


def test_lines_now_and_then_take_the_place_of_a_bar_in_a_log(monkeypatch, capsys):
    monkeypatch.setattr(voice, "FIRST_LINE_SECONDS", 0.05)
    monkeypatch.setattr(voice, "LEAST_SECONDS", 0.0)
    with voice.Voice(False).working("fit") as work:
        work.told(0.5)
        time.sleep(0.5)
    lines = capsys.readouterr().err.splitlines()
    assert 2 <= len(lines) <= 4  # each pause is twice as long
    assert lines[0].startswith("fit: 50% done, about ")


@pytest.mark.parametrize(
    ("send", "number", "code"), [(os.killpg, signal.SIGINT, 130), (os.kill, signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_a_signal_ends_it_and_leaves_no_process_and_no_half_written_file(tmp_path, send, number, code):
    monthly_table(n_series=30, n_rows=120).to_csv(tmp_path / "t.csv", index=False)
    (tmp_path / "board.csv").write_text("the old one")
    before = {entry.name for entry in tmp_path.iterdir()}
    arguments = ("backtest", "t.csv", "--models", "ARIMA,gru", "--output", "board.csv", "--jobs", "2", "--refit", "1")
    running = launch(*arguments, cwd=tmp_path, start_new_session=True, preexec_fn=heed_interrupts)
    # As from a terminal, SIGINT goes to its worker processes too, once it is at work; SIGTERM as from a scheduler.
    first = [running.stderr.readline() for _ in range(2)]
    # A worker that is still importing has a traceback of Python's own; how long that takes depends on the machine.
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import joblib, tsrnn.forecasting.arima"], check=True)
    time.sleep(max(8.0, 2 * (time.perf_counter() - started)))
    send(running.pid, number)
    # A worker that is left keeps the pipes open.
    out, err = running.communicate(timeout=180)
    assert running.returncode == code, (first, err)
    assert out == ""
    assert "tsrnn: stopped." in err
    assert "Traceback" not in err
    assert {entry.name for entry in tmp_path.iterdir()} == before
    assert (tmp_path / "board.csv").read_text() == "the old one"


@pytest.mark.parametrize(("before", "code"), [("SIG_DFL", 129), ("SIG_IGN", 0)])
def test_a_hangup_ends_it_unless_it_is_ignored(before, code):
    program = (
        "import os, signal, sys; sys.argv = ['tsrnn', 'datasets']; import tsrnn.datasets as held, tsrnn.commands; "
        f"signal.signal(signal.SIGHUP, signal.{before}); listed = held.list_datasets; "
        "held.list_datasets = lambda: (os.kill(os.getpid(), signal.SIGHUP), listed())[1]; tsrnn.commands.main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert ("tsrnn: stopped." in done.stderr, "air_passengers" in done.stdout) == (code == 129, code == 0)


def test_a_second_signal_does_not_break_off_the_end_by_the_first():
    program = (
        "import os, signal, sys; sys.argv = ['tsrnn', 'datasets']; import tsrnn.datasets as held, tsrnn.commands\n"
        "def ended():\n"
        "    try: os.kill(os.getpid(), signal.SIGTERM)\n"
        "    finally: os.kill(os.getpid(), signal.SIGHUP); print('cleaned up')\n"
        "held.list_datasets = ended; tsrnn.commands.main()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr.strip()) == (143, "cleaned up\n", "tsrnn: stopped.")


def test_a_thread_of_a_program_may_run_a_command():
    program = (
        "import sys, threading; sys.argv = ['tsrnn', 'datasets']; import tsrnn.commands; "
        "thread = threading.Thread(target=tsrnn.commands.main); thread.start(); thread.join()"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert "air_passengers" in done.stdout, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("closed", "arguments", "code", "message"),
    [
        ("<&-", "inspect -", 1, "standard input: is empty"),
        (">&-", "inspect t.csv", 1, "Bad file descriptor"),
        ("<&- >&- 2>&-", "inspect t.csv --output out.csv", 0, ""),
        ("2>&-", "inspect t.csv --output out.csv", 0, ""),
    ],
)
def test_streams_that_are_closed_are_no_defect(tmp_path, closed, arguments, code, message):
    (tmp_path / "t.csv").write_text("day,x\n2024-01-01,1\n2024-01-02,2\n2024-01-03,2\n")
    shell = f'exec "$0" -c "$1" {arguments} {closed}'
    done = subprocess.run(
        ["sh", "-c", shell, sys.executable, MAIN], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert message in done.stderr
    assert done.stderr.count("\n") <= 1 or not message
    assert (tmp_path / "out.csv").exists() == (code == 0)


def test_a_reader_that_goes_away_is_no_error_message(tmp_path):
    monthly_table(n_series=400, n_rows=24).to_csv(tmp_path / "t.csv", index=False)
    with launch("forecast", "t.csv", "--model", "Naive", "--format", "csv", "--quiet", cwd=tmp_path) as running:
        running.stdout.readline()
        running.stdout.close()
        err = running.stderr.read()
    assert running.returncode == 141
    assert err == ""


def test_a_full_disk_is_a_line(tmp_path):
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    pd.DataFrame({"ds": range(30), "y": np.arange(30.0)}).to_csv(tmp_path / "t.csv", index=False)
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", MAIN, "forecast", "t.csv", "--model", "Naive", "--quiet"],
            cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "tsrnn: stopped."),
        (MemoryError(), 1, "out of memory"),
        (
            RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
            1,
            "out of memory",
        ),
        (RuntimeError("CUDA out of memory. Tried to allocate 8.00 GiB."), 1, "out of memory"),
        (TerminatedWorkerError("The exit codes of the workers are {SIGKILL(-9)}"), 1, "a worker process was killed"),
        (PermissionError(13, "Permission denied", "/root/x"), 1, "/root/x: Permission denied"),
        (ZeroDivisionError("division by zero"), 70, "a defect of tsrnn (ZeroDivisionError: division by zero)"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_every_end_has_its_code_and_a_line(run, monkeypatch, error, code, message):
    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr("tsrnn.datasets.list_datasets", fail)
    got, out, err = run("datasets")
    assert (got, out) == (code, "")
    assert message in err
    assert err.strip().count("\n") == 0
    if code == 70:
        monkeypatch.setenv("TSRNN_TRACEBACK", "1")
        with pytest.raises(ZeroDivisionError, match="division"):
            run("datasets")
