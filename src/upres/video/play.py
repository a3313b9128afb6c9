"""A film shown while it is made larger: frames go to mpv as they come, the sound comes from the film itself."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import BinaryIO, cast

from upres.errors import Hint, VideoError
from upres.video.run import VideoRun
from upres.video.y4m import write_y4m

PLAYER = "mpv"


def play(run: VideoRun, *, options: Sequence[str] = ()) -> None:
    """Show a run's frames at the film's rate until its end, or until the player is closed.

    mpv waits where frames come more slowly than the film runs. A film of varying rate is shown at its mean rate.

    Args:
        run: Frames come from it.
        options: More of the player's.

    Raises:
        VideoError: If mpv is not installed or ends with an error, or the source cannot be read.
    """
    player = shutil.which(PLAYER)
    if player is None:
        raise VideoError(f"{PLAYER}, which shows films, is not installed", hint=Hint.OTHER_PLAYER)
    settings = {"terminal": "no", "force-media-title": run.source.name, **_sound(run)}
    command = [player, *(f"--{name}={value}" for name, value in settings.items()), *options, "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:
        pipe = cast(BinaryIO, process.stdin)
        with suppress(BrokenPipeError):  # closed by whoever has seen enough
            write_y4m(run, pipe)
        with suppress(BrokenPipeError):
            pipe.close()
    if process.returncode:
        raise VideoError(f"{PLAYER} ended with status {process.returncode}")


def _sound(run: VideoRun) -> Mapping[str, str]:
    """That of the film, from where the frames begin."""
    if not any(stream.kind == "audio" for stream in run.probe.others):
        return {"audio": "no"}
    return {"audio-file": str(run.source.absolute()), "audio-delay": f"{-run.wishes.start:g}"}
