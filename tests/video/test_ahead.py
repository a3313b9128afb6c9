"""Items come in order from another thread, errors too, and closing ends it."""

import threading

import pytest

from upres.video.ahead import Ahead


def test_items_come_in_order_from_another_thread():
    threads = set()

    def items():
        for number in range(20):
            threads.add(threading.current_thread())
            yield number

    assert list(Ahead(items())) == list(range(20))
    assert threading.current_thread() not in threads


def test_what_gives_the_items_may_ask_how_many_wait():
    seen = []

    def items(waiting):
        for number in range(8):
            seen.append(waiting())
            yield number

    ahead = Ahead(items, most=3)
    assert list(ahead) == list(range(8))
    assert seen[0] == 0
    assert max(seen) <= 3


def test_an_error_is_raised_to_the_taker_after_what_came_before():
    def items():
        yield 1
        raise OSError("the disk")

    taken = iter(Ahead(items()))
    assert next(taken) == 1
    with pytest.raises(OSError, match="the disk"):
        next(taken)


def test_closing_ends_an_endless_source_and_lets_it_clean_up():
    ended = []

    def items():
        try:
            while True:
                yield 1
        finally:
            ended.append(True)

    ahead = Ahead(items())
    next(iter(ahead))
    ahead.close()
    assert ended == [True]
