"""Which engine is taken, and what is said when none will do."""

from dataclasses import replace

import pytest

from upres.engines import select
from upres.errors import EngineError, EngineUnavailableError, Hint, UnsupportedModelError


class Fake:
    """An engine that runs everything, or refuses with an error."""

    def __init__(self, name, error=None):
        self.name, self.error = name, error

    def unavailable(self):
        return str(self.error) if isinstance(self.error, EngineUnavailableError) else None

    def supports(self, model):
        return self.error is None

    def open(self, model, *, threads, precision, device, isa):
        if self.error:
            raise self.error
        asked = [f"on {device}"] * (device != "cpu") + [f"with {isa}"] * (isa is not None)
        return ", ".join([f"{self.name} with {threads} threads, {precision}", *asked])


@pytest.fixture
def engines(monkeypatch):
    """Puts fakes in the place of engines."""

    def put(**errors):
        fakes = {name: Fake(name, errors.get(name)) for name in select.ENGINES}
        monkeypatch.setattr(select, "load", lambda name: fakes[name])

    return put


def test_auto_takes_the_fastest(tiny_models, engines):
    engines()
    assert select.open_session(tiny_models[2], threads=3) == "native with 3 threads, auto"


@pytest.mark.parametrize("engine", ["auto", "native"])
def test_device_and_instruction_set_reach_the_engine(tiny_models, engines, engine):
    engines()
    opened = select.open_session(tiny_models[2], engine=engine, device="cuda:1", isa="avx2")
    assert opened == "native with None threads, auto, on cuda:1, with avx2"


def test_auto_goes_on_to_an_engine_that_has_the_device(tiny_models, monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr("upres.engines.torch.find_device", lambda name: torch.device("meta"))
    session = select.open_session(tiny_models[2], device="meta")
    assert (session.facts.engine, session.facts.device) == ("torch", "meta")


def test_auto_goes_on_where_an_engine_is_missing_or_refuses(tiny_models, engines):
    engines(native=EngineUnavailableError("native: not built"), openvino=UnsupportedModelError("openvino: no graph"))
    assert select.open_session(tiny_models[2]) == "onnxruntime with None threads, auto"


def test_when_none_will_do_every_reason_is_given(tiny_models, engines):
    engines(**{name: UnsupportedModelError(f"{name}: reason {name}") for name in select.ENGINES})
    with pytest.raises(UnsupportedModelError) as raised:
        select.open_session(tiny_models[2])
    assert str(raised.value) == (
        "no engine here runs tiny_x2: native: reason native; openvino: reason openvino;"
        " onnxruntime: reason onnxruntime; torch: reason torch"
    )


@pytest.mark.parametrize(
    ("precision", "native"),
    [("int8", "no precision 'int8'; there are auto, f32, int16"), ("auto", "not built here (no kernels)")],
)
def test_what_the_native_engine_cannot_do_names_the_extra_that_can(tiny_models, monkeypatch, precision, native):
    for name in ("openvino", "onnxruntime", "torch"):
        monkeypatch.setattr(f"upres.engines.{name}.find_spec", lambda name: None)
    if precision == "auto":
        monkeypatch.setattr(type(select.load("native")), "unavailable", lambda self: native)
    with pytest.raises(UnsupportedModelError) as raised:
        select.open_session(tiny_models[2], precision=precision)
    assert str(raised.value) == (
        f"no engine here runs tiny_x2: native: {native};"
        " openvino: OpenVINO is not installed: pip install 'upres[openvino]';"
        " onnxruntime: ONNX Runtime is not installed: pip install 'upres[onnxruntime]';"
        " torch: PyTorch is not installed: pip install 'upres[lab]'"
    )


def test_a_named_engine_is_taken_or_its_error_raised(tiny_models, engines):
    engines(openvino=UnsupportedModelError("openvino: no graph"))
    assert select.open_session(tiny_models[2], engine="torch", precision="bf16") == "torch with None threads, bf16"
    with pytest.raises(UnsupportedModelError, match=r"^openvino: no graph$"):
        select.open_session(tiny_models[2], engine="openvino")


def test_an_unknown_engine_gets_the_nearest_name(tiny_models):
    with pytest.raises(EngineError) as raised:
        select.open_session(tiny_models[2], engine="openvno")
    assert str(raised.value) == (
        "no engine 'openvno'. Did you mean 'openvino'? There are: auto, native, openvino, onnxruntime, torch"
    )


def test_an_engine_that_cannot_be_imported_is_unavailable(tiny_models, monkeypatch):
    monkeypatch.setitem(select.ENGINES, "native", "upres.engines.not_there")
    reason = "not in this installation (No module named 'upres.engines.not_there')"
    assert select.unavailable("native") == reason
    with pytest.raises(EngineUnavailableError, match=r"^native: not in this installation"):
        select.open_session(tiny_models[2], engine="native")


@pytest.mark.needs("openvino")
def test_auto_prefers_a_graph_engine_to_torch(tiny_models, monkeypatch):
    monkeypatch.setitem(select.ENGINES, "native", "upres.engines.not_there")
    assert select.open_session(tiny_models[2], threads=1).facts.engine == "openvino"
    assert select.open_session(replace(tiny_models[2], graph=None), threads=1).facts.engine == "torch"


@pytest.mark.needs("openvino")
def test_the_hint_of_a_refusal_outlives_the_search(tiny_models):
    with pytest.raises(UnsupportedModelError, match="no int8 graph") as raised:
        select.open_session(tiny_models[2], precision="int8")
    assert raised.value.hint is Hint.MAKE_INT8
