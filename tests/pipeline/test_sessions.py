"""Sessions are opened once and shared; one thread at a time runs each."""

import threading
import time

import numpy as np
import pytest

from upres.engines.engine import SessionFacts
from upres.errors import EngineError
from upres.pipeline import sessions as module
from upres.pipeline.sessions import Sessions, Settings


class Slow:
    """A session that notices when two threads run it at the same time."""

    facts = SessionFacts(engine="test", precision="f32")
    best_batch, bytes_per_pixel, grid, for_bytes = 1, None, (1, 0), None
    running = 0

    def __init__(self, *, planes):
        self.planes = self if planes else None
        self.rows_together = (1,)

    def __call__(self, batch):
        self.running += 1
        time.sleep(0.01)
        assert self.running == 1
        self.running -= 1
        return batch

    def upscale_rgb(self, image, out=None, *, peak=None):
        return self(image)

    run_plane = upscale_rgb

    def bind(self, batch):
        return lambda: self(batch)


@pytest.fixture
def opened(monkeypatch):
    made = []

    def open_session(model, **options):
        made.append((model.card.name, options["engine"]))
        return Slow(planes=options["engine"] == "native")

    monkeypatch.setattr(module, "open_session", open_session)
    return made


def test_each_model_and_setting_is_opened_once(tiny_models, opened):
    sessions, settings = Sessions(), Settings(engine="openvino")
    assert sessions.get(tiny_models[2], settings) is sessions.get(tiny_models[2], Settings(engine="openvino"))
    sessions.get(tiny_models[3], settings)
    sessions.get(tiny_models[2], Settings(engine="native"))
    assert opened == [("tiny_x2", "openvino"), ("tiny_x3", "openvino"), ("tiny_x2", "native")]


@pytest.mark.parametrize("engine", ["openvino", "native"])
def test_threads_take_turns_in_a_session_and_its_planes(tiny_models, opened, engine):
    session = Sessions().get(tiny_models[2], Settings(engine=engine))
    calls = [session, session.bind(np.zeros(1))] if engine == "openvino" else []
    if session.planes is not None:
        calls = [session, session.planes.upscale_rgb, session.planes.run_plane]
    errors = []

    def call(index):
        try:
            target = calls[index % len(calls)]
            target(np.zeros(1)) if target is not calls[1] or engine == "native" else target()
        except AssertionError as error:
            errors.append(error)

    threads = [threading.Thread(target=call, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors


@pytest.mark.parametrize("error", [EngineError, RuntimeError])  # the latter is torch's in a process that is ending
def test_what_fails_in_the_background_fails_again_when_it_is_needed(error, tiny_models, monkeypatch):
    def refuse(model, **options):
        raise error("no engine")

    monkeypatch.setattr(module, "open_session", refuse)
    sessions, before = Sessions(), threading.active_count()
    sessions.prepare([tiny_models[2]], Settings())
    while threading.active_count() > before:
        time.sleep(0.01)
    with pytest.raises(error, match="no engine"):
        sessions.get(tiny_models[2], Settings())


def test_all_that_is_open_gives_its_memory_back(tiny_models, opened, monkeypatch):
    released, faster = [], Slow(planes=False)
    monkeypatch.setattr(Slow, "for_bytes", property(lambda self: None if self is faster else faster))
    monkeypatch.setattr(Slow, "release", lambda self: released.append(self), raising=False)
    sessions, settings = Sessions(), Settings(engine="openvino")
    session = sessions.get(tiny_models[2], settings)
    sessions.get(tiny_models[3], settings)
    assert session.for_bytes is not None
    sessions.release()
    assert (len(released), released[1]) == (3, faster)
    assert sessions.get(tiny_models[2], settings) is session
