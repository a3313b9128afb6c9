"""Refuse a commit message that breaks CONTRIBUTING.md's rules; git's commit-msg hook, see .pre-commit-config.yaml.

python3 .ci/commit_message.py .git/COMMIT_EDITMSG
"""

import subprocess
import sys
from pathlib import Path, PurePosixPath

LONGEST_SUBJECT = 72
SCISSORS = "# ------------------------ >8 ------------------------"
WITHOUT_RULES = ("Merge ", "Revert ", "fixup! ", "squash! ", "amend! ")
"""How subjects begin that git writes itself."""


def faults(message: str, changed: list[str]) -> list[str]:
    """What is wrong with a message, a sentence each.

    Args:
        message: As git hands it over, comments included.
        changed: Paths that the commit changes, below the root.
    """
    lines = message.partition(SCISSORS)[0].splitlines()
    subject, *rest = [line.rstrip() for line in lines if not line.startswith("#")] or [""]
    if subject.startswith(WITHOUT_RULES):
        return []
    found = []
    if not subject:
        found.append("the first line is empty: say there what the commit does")
    if len(subject) > LONGEST_SUBJECT:
        found.append(f"the subject has {len(subject)} characters, expected at most {LONGEST_SUBJECT}: {subject!r}")
    if subject.endswith("."):
        found.append("the subject ends with a full stop: leave it out")
    if rest and rest[0]:
        found.append("the second line is not empty: leave a blank line below the subject")
    needing = [path for path in changed if _needs_reason(PurePosixPath(path))]
    if needing and not any(rest):
        found.append(f"no body, but {needing[0]} changes: say why, and what was measured")
    return found


def _needs_reason(path: PurePosixPath) -> bool:
    return path.parts[0] in {"src", "native"} or "weights" in path.parts[:-1]


def main(path: str) -> None:
    """End with a message where the commit's is at fault."""
    staged = subprocess.run(
        ["git", "diff", "--cached", "--name-only"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    found = faults(Path(path).read_text(encoding="utf-8"), staged)
    if found:
        raise SystemExit("\n".join(f"commit message: {fault}" for fault in found))


if __name__ == "__main__":
    main(sys.argv[1])
