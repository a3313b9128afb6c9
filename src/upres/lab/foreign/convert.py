"""From a foreign weight file to a checkpoint of ours and, for the engines that need no torch, its ONNX graph."""

from dataclasses import dataclass
from pathlib import Path

from upres.errors import LONGEST_MESSAGE, CheckpointError, UnsupportedModelError, printable
from upres.lab import checkpoint
from upres.lab.export.onnx import export
from upres.lab.foreign.read import read
from upres.lab.foreign.recognise import Recognised, recognise
from upres.machine.digest import digest
from upres.models.card import ModelCard, has_card

LICENCE = "not stated in the imported file"


@dataclass(frozen=True, kw_only=True)
class Conversion:
    """What became of a foreign file."""

    card: ModelCard
    output: Path
    graph: Path | None = None
    """The ONNX graph beside ``output``, if one was made."""
    remarks: tuple[str, ...] = ()
    """Sentences on what was left out."""


def convert(
    path: str | Path,
    output: str | Path,
    *,
    architecture: str | None = None,
    scale: int | None = None,
    with_graph: bool = True,
) -> Conversion:
    """Recognise a weight file, write it as a checkpoint with a card, and prove that by loading it strictly.

    Args:
        path: Any file that `upres.lab.foreign.read.read` opens.
        output: ``.safetensors`` to write; its stem becomes the model's name. Replaced if it is there.
        architecture: What the file is known to be, where it could be several.
        scale: Likewise.
        with_graph: Whether to write the ONNX graph beside it. A network that cannot be traced goes without, and a
            remark says why.

    Raises:
        CheckpointError: If the file cannot be read or recognised, or the output not written.
    """
    path, output = Path(path), Path(output)
    if output.suffix != ".safetensors":
        raise CheckpointError(f"{output}: the output is a .safetensors file; call it {output.stem}.safetensors")
    recognised = _own(path) or recognise(read(path), architecture=architecture, scale=scale, source=str(path))
    provenance = {"imported": {"file": path.name, "sha256": digest(path)}}
    network = recognised.network()
    card = checkpoint.describe(network, recognised.spec, name=output.stem, licence=LICENCE, training=provenance)
    checkpoint.save(output, network, card)
    network, card = checkpoint.load(output)
    remarks = [f"left out what is no tensor: {_few(recognised.ignored)}"] if recognised.ignored else []
    if recognised.left_out:
        remarks.append(f"left out tensors of something else in the file: {_few(recognised.left_out)}")
    if recognised.other_scales:
        scales = ", ".join(str(scale) for scale in recognised.other_scales)
        remarks.append(f"the file also fits scale {scales}: ask for one by its scale")
    if recognised.assumed:
        taken = ", ".join(f"{name}={recognised.spec.arguments.get(name)}" for name in recognised.assumed)
        remarks.append(f"its tensors do not tell {taken}, which was assumed; is it trained?")
    graph = output.with_suffix(".onnx")
    graph.unlink(missing_ok=True)  # one that belonged to a former model of this name would be run in its place
    if with_graph:
        try:
            export(network, graph, weights=output)
        except UnsupportedModelError as error:
            remarks.append(f"no graph beside it, only the torch engine runs it: {error}")
    return Conversion(card=card, output=output, graph=graph if graph.is_file() else None, remarks=tuple(remarks))


def _few(names: tuple[str, ...]) -> str:
    """Some of the names in one line."""
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return printable(", ".join(name[:80] for name in names[:8]), longest=LONGEST_MESSAGE) + more


def _own(path: Path) -> Recognised | None:
    """A checkpoint of ours says itself what it is."""
    if not has_card(path):
        return None
    network, card = checkpoint.load(path)
    return Recognised(spec=card.spec, state=network.state_dict())
