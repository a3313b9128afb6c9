"""The hints of errors as a person at a terminal follows them: in flags."""

from upres.errors import Hint, UpresError

WORDS = {
    Hint.OVERWRITE: "--overwrite replaces it",
    Hint.LESS_MEMORY: "--max-memory lowers the need",
    Hint.MORE_MEMORY: "raise --max-memory; --fast needs less, --best more",
    Hint.OTHER_FORMAT: "choose a smaller size or --format png",
    Hint.OWN_SCALE: "leave --scale out or name another model",
    Hint.NAME_A_RESTORER: "name the file of one, as `upres restore --model FILE` takes it",
    Hint.LIST_MODELS: "`upres models` lists them",
    Hint.IMPORT_MODEL: "`upres import FILE -o MODEL.safetensors` converts it",
    Hint.LIST_RECIPES: "`upres train --list` shows them",
    Hint.OTHER_FOLDER_OR_RESTART: "use another --out, or --restart",
    Hint.OTHER_FOLDER_OR_OVERWRITE: "choose another --out, or --overwrite",
    Hint.OTHER_PICTURES: "give more, or --validation FOLDER",
    Hint.OTHER_START: (
        "train both with --queue, that one first, name other weights by --set start.model=FILE, or none: "
        "--set start.model="
    ),
    Hint.NAME_THE_NETWORK: "say which with --architecture and --scale",
    Hint.OTHER_GATE: "choose another with --gate",
    Hint.NAME_THE_BASELINE: "add its row or name the entry to compare with: --baseline ENTRY",
    Hint.MEASURE_SPEED: "`upres bench speed -o FILE.json` writes one",
    Hint.MAKE_INT8: "`upres export MODEL --int8 PICTURES` makes one",
    Hint.REMAKE_GRAPH: "`upres export MODEL.safetensors -o MODEL.onnx` makes it anew",
    Hint.LIST_ENGINES: "`upres doctor` shows which engines are installed",
    Hint.MAKE_FAULTS: "or let a fault be made: --noise 25, --jpeg 10",
    Hint.DEINTERLACE: "--deinterlace makes whole frames of it first",
    Hint.DROP_DYNAMIC_HDR: "--drop-dynamic-hdr goes on without it",
    Hint.OTHER_CONTAINER: "-o FILE.mkv holds it",
    Hint.OTHER_CODEC: "choose one of them as --codec",
    Hint.OTHER_PLAYER: "install it, or give frames to another player: upres video FILM -o - --format y4m | ffplay -",
    Hint.MEASURE_LATER: "leave it out, and measure it with `upres evaluate` when the network is trained",
    Hint.START_A_CLUSTER: "start the head of one there, or leave --address out to have one on this machine",
}


def worded(error: UpresError) -> str:
    """The error and what to do about it, in one line."""
    return with_hint(str(error), error.hint)


def with_hint(message: str, hint: Hint | None) -> str:
    """The message and the hint's words: after a semicolon, or as a sentence where the message ends with one."""
    if hint is None:
        return message
    words = WORDS[hint]
    return f"{message} {words[0].upper()}{words[1:]}." if message.endswith((".", "?")) else f"{message}; {words}"
