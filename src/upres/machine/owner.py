"""Which process did something, and whether that process has ended: on the machine where it ran, that can be known."""

import os
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A process of some machine."""

    host: str
    """For people; several machines may have one name."""
    system: str
    """Which start of which kernel, and which of its sets of process numbers; empty where that cannot be known."""
    pid: int
    began: str
    """When the process began, in the kernel's ticks: numbers of processes come again."""

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready data that `from_dict` reads back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Any) -> "Owner | None":
        """The owner that `to_dict` described; ``None`` where the data is not that."""
        try:
            owner = cls(**data)
        except TypeError:
            return None
        texts = (owner.host, owner.system, owner.began)
        return owner if isinstance(owner.pid, int) and all(isinstance(text, str) for text in texts) else None

    @property
    def ended(self) -> bool:
        """Whether the process has surely ended; not where it ran on another machine, or nothing can be known."""
        return bool(self.system) and self.system == _system() and _began(self.pid) != self.began


def this_process() -> Owner:
    """The process that asks."""
    return Owner(host=socket.gethostname(), system=_system(), pid=os.getpid(), began=_began(os.getpid()))


def _system() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _began(pid: int) -> str:
    """When a process that still runs began; empty where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]  # dead, and nobody has asked how it ended
