"""One step of a pipeline in a thread of its own, a few items ahead of whoever takes them."""

from collections.abc import Callable, Iterable, Iterator
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Generic, TypeVar

T = TypeVar("T")
_TICK_SECONDS = 0.1


class Ahead(Generic[T]):
    """The items of an iterable, made in a thread; what it raises is raised to whoever takes the items.

    Args:
        items: Read by the thread alone; or what gives them, told by what it can ask how many wait.
        most: Items that wait at a time: they may pin the decoder's memory.
    """

    def __init__(self, items: Iterable[T] | Callable[[Callable[[], int]], Iterable[T]], *, most: int = 4) -> None:
        self._queue: Queue[tuple[T | None, BaseException | None, bool]] = Queue(most)
        self._items = items(self._queue.qsize) if callable(items) else items
        self._closed = Event()
        self._thread = Thread(target=self._fill, daemon=True)
        self._thread.start()

    def __iter__(self) -> Iterator[T]:
        while True:
            try:
                item, error, is_last = self._queue.get(timeout=_TICK_SECONDS)  # so that signals come through
            except Empty:
                continue
            if error is not None:
                raise error
            if is_last:
                return
            yield item  # type: ignore[misc]

    def close(self) -> None:
        """End the thread; what it has made is dropped."""
        self._closed.set()
        self._thread.join()

    def _fill(self) -> None:
        try:
            for item in self._items:
                if not self._put((item, None, False)):
                    return
            self._put((None, None, True))
        except BaseException as error:
            self._put((None, error, True))
        finally:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()

    def _put(self, entry: tuple[T | None, BaseException | None, bool]) -> bool:
        while not self._closed.is_set():
            try:
                self._queue.put(entry, timeout=_TICK_SECONDS)
            except Full:
                continue
            return True
        return False
