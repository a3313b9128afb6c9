"""What one picture of a run takes besides the networks: whether a limit can hold it, and room made for the encoder."""

from math import prod

from upres.image.io import Picture
from upres.machine.memory import resident_bytes
from upres.pipeline.budget import require_memory
from upres.pipeline.plan import Plan
from upres.upscaler import Upscaler

ENCODER_BYTES = {"jpeg": 4, "png": 1, "bmp": 4, "webp": 17, "avif": 42, "gif": 14, "heif": 30, "tiff": 1}
"""What writing takes for each pixel besides the picture, as measured at 6 megapixels of RGB; of other formats some."""
_OTHERS, _WEBP_WITH_ALPHA = 12, 44
_LARGE = 64 * 2**20
"""From here on no other picture is made at the same time (`upres.folders.batch`), which would want that memory."""


def require_room(picture: Picture, plan: Plan, format: str, limit: int | None) -> None:  # noqa: A002
    """Refuse a picture, as read, of which the result and its encoder do not fit under the limit.

    Raises:
        ImageTooLargeError: If they do not.
    """
    if limit is None:
        return
    growth = prod(plan.size) / prod(picture.size)
    made = growth * sum(frame.pixels.nbytes for frame in picture.frames)
    require_memory(round(resident_bytes() + made + growth * _encoder_bytes(picture, format)), limit)


def make_room(picture: Picture, format: str, upscaler: Upscaler) -> None:  # noqa: A002
    """Give memory back before a picture is encoded: that of the networks where the encoder would go over the limit
    beside them; what they keep between calls where the picture is large.
    """
    limit = upscaler.max_memory
    if limit is not None and resident_bytes() + _encoder_bytes(picture, format) > limit:
        upscaler.sessions.forget()
    elif sum(frame.pixels.nbytes for frame in picture.frames) > _LARGE:
        upscaler.sessions.release()


def _encoder_bytes(picture: Picture, format: str) -> int:  # noqa: A002
    each = ENCODER_BYTES.get(format, _OTHERS)
    if format == "webp" and any(frame.alpha is not None for frame in picture.frames):
        each = _WEBP_WITH_ALPHA
    return each * sum(prod(frame.pixels.shape[:2]) for frame in picture.frames)
