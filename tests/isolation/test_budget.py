"""Memory is shared out: never more than there is, and nobody is kept out by one visitor."""

import random
import threading
import time
from pathlib import Path

import pytest

from frcrn_app.errors import Cancelled
from frcrn_app.isolation import Budget, IsolationError
from frcrn_app.isolation.budget import _memory_bytes


def test_more_than_all_of_it_is_refused_with_both_sizes():
    with pytest.raises(IsolationError) as refused, Budget(10 << 20).reserve(11 << 20):
        pass
    assert refused.value.code == "isolation.too_large"
    assert refused.value.fields == {"need": 11, "limit": 10}


def test_what_is_held_is_never_more_than_there_is():
    budget, rng = Budget(1000), random.Random(0)
    seen: list[int] = []

    def visitor(name: str) -> None:
        for _ in range(20):
            with budget.reserve(rng.randrange(1, 1000), name):
                seen.append(budget.held)

    threads = [threading.Thread(target=visitor, args=(str(n),)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(seen) == 160
    assert max(seen) <= 1000
    assert budget.held == 0


def test_one_visitor_does_not_keep_others_out():
    budget = Budget(100)
    with budget.reserve(40, "mallory"):
        with (
            pytest.raises(IsolationError) as refused,
            budget.reserve(40, "mallory", wait=0.2),
        ):
            pass
        assert refused.value.code == "isolation.busy"
        with budget.reserve(40, "ada", wait=0.2):
            assert budget.held == 80


def test_whoever_leaves_no_longer_waits():
    budget, gone = Budget(10), threading.Event()
    with budget.reserve(10):
        threading.Timer(0.2, gone.set).start()
        with pytest.raises(Cancelled), budget.reserve(10, cancelled=gone.is_set):
            pass
    with budget.reserve(10):
        assert budget.held == 10


def test_what_fails_gives_its_memory_back():
    budget = Budget(10)
    with pytest.raises(ZeroDivisionError), budget.reserve(10):
        _ = 1 / 0
    assert budget.held == 0


def test_a_container_is_believed_where_it_has_less_than_the_machine(tmp_path: Path):
    machine = _memory_bytes(tmp_path)
    assert machine > 1 << 28
    (tmp_path / "memory.max").write_text("max\n")
    assert _memory_bytes(tmp_path) == machine
    (tmp_path / "memory.max").write_text("268435456\n")
    assert _memory_bytes(tmp_path) == 1 << 28


def test_a_large_request_is_not_passed_for_ever(monkeypatch):
    monkeypatch.setattr("frcrn_app.isolation.budget._PATIENCE_SECONDS", 0.2)
    budget, stop = Budget(100), threading.Event()

    def small(name: str) -> None:
        while not stop.is_set():
            with budget.reserve(40, name):
                time.sleep(0.03)

    threads = [threading.Thread(target=small, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    try:
        with budget.reserve(90, "ada", wait=10):
            assert budget.held == 90
    finally:
        stop.set()
        for thread in threads:
            thread.join()
