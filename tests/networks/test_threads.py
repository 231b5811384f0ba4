import os
import subprocess
import sys
import threading
import time
from contextvars import ContextVar
from pathlib import Path

import pytest
import torch

from tsrnn.networks.threads import in_threads, one_thread

CPU = torch.device("cpu")


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_one_thread_is_given_back_even_after_an_error(two_threads):
    seen = []

    def fail():
        with one_thread():
            seen.append(torch.get_num_threads())
            raise ValueError("no such number")

    with pytest.raises(ValueError, match="no such number"):
        fail()
    assert [*seen, torch.get_num_threads()] == [1, 2]


def test_pieces_are_done_at_once_each_on_one_thread(two_threads):
    """Each piece waits for the other, so one after the other they would never end."""
    meeting, seen = threading.Barrier(2, timeout=20), []

    def piece():
        meeting.wait()
        seen.append((threading.get_ident(), torch.get_num_threads()))

    in_threads([piece, piece], CPU)
    assert len({thread for thread, _ in seen}) == 2
    assert [count for _, count in seen] == [1, 1]
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_with_one_thread_or_for_a_gpu_pieces_are_done_in_turn_by_the_caller(two_threads, device):
    torch.set_num_threads(1 if device == "cpu" else 2)
    seen = []
    in_threads([lambda i=i: seen.append((i, threading.get_ident())) for i in range(4)], torch.device(device))
    assert seen == [(i, threading.get_ident()) for i in range(4)]


FIRST_PIECES = """
import torch
from threadpoolctl import threadpool_info
from tsrnn.networks.threads import in_threads

torch.set_num_threads(2)
found = []
def piece():
    found.extend(part["num_threads"] for part in threadpool_info() if part["user_api"] == "openmp")
in_threads([piece, piece], torch.device("cpu"))
print(*set(found))
"""


def test_a_new_thread_does_its_first_piece_on_one_thread_however_many_openmp_has():
    """torch tells OpenMP when it first shares out work, after it may have multiplied matrices."""
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root), "OMP_NUM_THREADS": "3"}
    command = [sys.executable, "-c", FIRST_PIECES]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["1"]


@pytest.mark.parametrize("count", [1, 2])
def test_pieces_are_done_outside_of_the_callers_autocast(two_threads, count):
    torch.set_num_threads(count)
    x, found = torch.ones(2, 2), []
    with torch.autocast("cpu", dtype=torch.bfloat16):
        in_threads([lambda: found.append((x @ x).dtype)] * 2, CPU)
        assert (x @ x).dtype == torch.bfloat16
    assert found == [torch.float32] * 2


def test_an_error_is_raised_and_what_has_not_begun_is_left(two_threads):
    done = []

    def fail():
        raise ValueError("no such piece")

    def slow(seconds=0.05):
        time.sleep(seconds)
        done.append(1)

    with pytest.raises(ValueError, match="no such piece"):
        in_threads([lambda: slow(0.5), fail, *[slow] * 100], CPU)
    assert len(done) < 50


def test_no_work_is_done_at_once(two_threads):
    in_threads([], CPU)
    assert torch.get_num_threads() == 2


def test_a_piece_sees_the_context_variables_of_the_caller(two_threads):
    told, seen = ContextVar("told"), []
    told.set("the caller's")
    in_threads([lambda: seen.append(told.get())] * 2, CPU)
    assert seen == ["the caller's"] * 2


def test_pieces_under_way_are_told_to_stop_once_one_of_them_fails(two_threads):
    stopped, ended = threading.Event(), []

    def fail():
        raise ValueError("no such piece")

    def under_way():
        ended.append(stopped.wait(20))

    with pytest.raises(ValueError, match="no such piece"):
        in_threads([under_way, fail], CPU, stopped.set)
    assert ended == [True]


def test_pieces_under_way_are_told_to_stop_when_the_caller_is_interrupted(two_threads, monkeypatch):
    stopped, begun, ended = threading.Event(), threading.Barrier(3, timeout=20), []

    def piece():
        begun.wait()
        ended.append(stopped.wait(20))

    def interrupted(*given, **named):
        begun.wait()
        raise KeyboardInterrupt

    monkeypatch.setattr("tsrnn.networks.threads.wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        in_threads([piece, piece], CPU, stopped.set)
    assert ended == [True, True]
