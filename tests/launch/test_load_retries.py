"""The pauses before a worker whose model cannot be loaded is started again."""

from __future__ import annotations

from launch.load_retries import LoadRetries


def test_the_pauses_of_a_worker_that_cannot_load_grow_until_it_serves() -> None:
    retries = LoadRetries()
    pauses = [retries.note_failure("worker-1", 0) for _ in range(9)]
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert retries.take_due(299) == []
    assert retries.take_due(300) == ["worker-1"]
    assert retries.take_due(10**6) == []
    assert "worker-1" in retries
    retries.note_loaded("worker-1")
    assert "worker-1" not in retries
    assert retries.note_failure("worker-1", 0) == 5
