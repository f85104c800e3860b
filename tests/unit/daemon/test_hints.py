from __future__ import annotations

import threading
import time

from dedupctl.daemon.hints import EventsLost, HintQueue, Removed, RootLost, Touched


def test_hints_come_out_in_the_order_they_went_in_and_only_once() -> None:
    queue = HintQueue()
    queue.put(Touched(b"/a"))
    queue.put(Removed(b"/a", folder=False))
    queue.put(Touched(b"/a"))
    assert queue.take(0) == [Touched(b"/a"), Removed(b"/a", folder=False), Touched(b"/a")]
    assert queue.take(0) == []


def test_a_waiting_consumer_is_woken_by_the_first_hint() -> None:
    queue = HintQueue()
    started = time.monotonic()
    threading.Timer(0.05, queue.put, [Touched(b"/a")]).start()
    assert queue.take(30) == [Touched(b"/a")]
    assert time.monotonic() - started < 10


def test_a_full_queue_forgets_its_hints_and_asks_for_a_scan() -> None:
    queue = HintQueue(capacity=3)
    for name in (b"/1", b"/2", b"/3", b"/4"):
        queue.put(Touched(name))
    lost, last = queue.take(0)
    assert isinstance(lost, EventsLost)
    assert last == Touched(b"/4")


def test_a_full_queue_still_tells_which_roots_were_lost() -> None:
    queue = HintQueue(capacity=3)
    queue.put(RootLost(b"/photos"))
    for number in range(100):
        queue.put(Touched(b"/%d" % number))
    waiting = queue.take(0)
    assert waiting[0] == RootLost(b"/photos")
    assert isinstance(waiting[1], EventsLost)
    assert len(waiting) <= 4


def test_what_is_said_again_at_once_waits_once() -> None:
    queue = HintQueue()
    for _ in range(5):
        queue.put(Touched(b"/a"))
    assert queue.take(0) == [Touched(b"/a")]
