"""What every network that only restores refuses."""


def require_restoring(name: str, scale: int, task: str) -> None:
    """Refuse what a network that keeps the size cannot be asked for.

    Raises:
        ValueError: If the scale is not 1, or the task is ``upscale``.
    """
    if scale != 1 or task == "upscale":
        raise ValueError(f"{name} keeps the size: expected scale 1 and a task that restores, got {scale}, {task}")
