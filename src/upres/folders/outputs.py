"""The outputs of a run: whether a name is free, whether the file there is what would be made, the notes of both."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from upres.errors import Hint, ImageReadError, OutputExistsError
from upres.folders.find import STANDARD
from upres.folders.jobs import Job
from upres.folders.journal import Entry, Journal, absolute
from upres.folders.reports import FileOptions
from upres.image.io import format_for
from upres.machine.atomic import remove_stale
from upres.machine.digest import digest
from upres.upscaler import Upscaler

_NAMED = 3
"""Files that a sentence names, at most."""


class Outputs:
    """What a run may write, and the journals of the folders that it writes to.

    Args:
        settings: Tells all that decides an output's content besides the source; called when that is needed.
        overwrite: Whether what is there may be replaced.
    """

    def __init__(self, settings: Callable[[], Mapping[str, str]], *, overwrite: bool) -> None:
        self._settings_of, self._overwrite = settings, overwrite
        self._journals: dict[Path, Journal] = {}
        self._taken: dict[str, Path | None] = {}
        self._unwritable: set[Path] = set()

    def without_own(self, jobs: Sequence[Job]) -> tuple[list[Job], list[str]]:
        """The jobs whose source is none that upres made from the source of another; a sentence about the rest."""
        sources = {absolute(job.source) for job in jobs if job.source is not None}
        kept, own = list[Job](), list[str]()
        for job in jobs:
            if job.source is not None and self._made_from(job.source, sources - {absolute(job.source)}):
                own.append(str(job.source))
            else:
                kept.append(job)
        if not own:
            return kept, []
        named = ", ".join(own[:_NAMED]) + ", ..." * (len(own) > _NAMED)
        what = f"{len(own)} file{'s' * (len(own) > 1)} that upres made from others of this run, by {self._names(own)}"
        return kept, [f"left out {what}: {named}"]

    def problems(self) -> list[str]:
        """A sentence for each journal, or part of one, that could not be used."""
        return [problem for journal in self._journals.values() for problem in journal.problems]

    def prepare(self, jobs: Sequence[Job]) -> None:
        """Remove what killed runs left in the folders that these jobs write to; open the journals there."""
        remove_parts(jobs)
        for folder in sorted({job.output.parent for job in jobs if job.output is not None}):
            self._journal(folder)

    def claim(self, source: Path | None, output: Path) -> None:
        """Keep the output from being the input, or that of two jobs.

        Raises:
            OutputExistsError: If it is.
        """
        if source is not None and _same(source, output):
            raise OutputExistsError(f"{output} is the input itself; choose another output")
        target = os.path.realpath(output)
        if target in self._taken:
            first = STANDARD if self._taken[target] is None else self._taken[target]
            raise OutputExistsError(f"{output} is the output of {first} in this very run")
        self._taken[target] = source

    def up_to_date(self, source: Path | None, source_sha256: str | None, output: Path) -> Entry | None:
        """The entry of an output that is just what would be made again; ``None`` where nothing is in the way.

        Args:
            source: The picture.
            source_sha256: Its digest; ``None`` where it is no file.
            output: The output.

        Raises:
            OutputExistsError: If something else is there and must not be replaced; it says why.
        """
        if self._overwrite or not output.exists():
            return None
        journal = self._journal(output.parent)
        journal.refresh()
        known, entry = journal.entry(output.name), journal.made(output)
        if known is None or source_sha256 is None:
            problem = "exists"
        elif entry is None:
            problem = "was changed since upres made it"
        elif source_sha256 != entry.source_sha256:
            problem = f"was made from another picture, or from another version of {source}"
        elif dict(entry.options) != (options := self.settings):
            changes = (
                f"{key} {entry.options.get(key, 'default')}, now {options.get(key, 'default')}"
                for key in {**entry.options, **options}
                if entry.options.get(key) != options.get(key)
            )
            problem = f"was made with other options ({'; '.join(changes)})"
        else:
            return entry
        raise OutputExistsError(f"{output} {problem}", hint=Hint.OVERWRITE)

    def note(
        self,
        source: Path,
        source_sha256: str,
        output: Path,
        *,
        content: Path,
        model: str,
        output_sha256: str | None = None,
    ) -> list[str]:
        """Note an output that is about to take its place; a warning, once, where its folder's journal is no use.

        Args:
            source: The picture that it was made from.
            source_sha256: The digest of that.
            output: Where it is to be.
            content: The hidden file with its bytes.
            model: Names of the networks.
            output_sha256: The digest of the bytes, where it is known.
        """
        journal = self._journal(output.parent)
        try:
            journal.record(
                output,
                source=source,
                source_sha256=source_sha256,
                model=model,
                options=self.settings,
                content=content,
                output_sha256=output_sha256,
            )
        except OSError as error:
            if output.parent in self._unwritable:
                return []
            self._unwritable.add(output.parent)
            return [f"{journal.path}: cannot be written ({error.strerror}); a repeated run will not skip what is made"]
        return []

    @cached_property
    def settings(self) -> Mapping[str, str]:
        """All that decides an output's content besides the source, as text."""
        return self._settings_of()

    def _made_from(self, source: Path, others: set[Path]) -> bool:
        """Whether upres made this file from one of the others."""
        journal = self._journal(source.parent)
        try:
            entry = journal.made(source)
        except OSError:  # reading it will say more
            return False
        return entry is not None and journal.source_of(entry) in others

    def _names(self, files: Sequence[str]) -> str:
        journals = list(dict.fromkeys(str(self._journal(Path(file).parent).path) for file in files))
        return journals[0] if len(journals) == 1 else f"the journals of {len(journals)} folders"

    def _journal(self, folder: Path) -> Journal:
        if folder not in self._journals:
            self._journals[folder] = Journal(folder)
        return self._journals[folder]


def remove_parts(jobs: Sequence[Job]) -> None:
    """Remove what killed writers left in the folders that these jobs write to."""
    outputs = [job.output for job in jobs if job.output is not None]
    targets = {Path(os.path.realpath(output)).parent for output in outputs}
    for folder in {*targets, *(Path(os.path.realpath(output.parent)) for output in outputs)}:
        remove_stale(folder)


def settings_of(upscaler: Upscaler, options: FileOptions) -> Mapping[str, str]:
    """All that decides an output's content besides the source, as text."""
    quality = "default" if options.quality is None else str(options.quality)
    background = "default" if options.background is None else "#{:02x}{:02x}{:02x}".format(*options.background)
    name, weights = upscaler.model_identity()
    precision = upscaler.settings.precision
    return {
        "model": name,
        "weights": weights,
        "size": upscaler.label,
        "format": "as named" if options.format is None else format_for(options.format),
        "quality": quality,
        "background": background,
        **({} if precision == "auto" else {"precision": precision}),
        **({} if options.lossless is None else {"lossless": str(options.lossless)}),
        **({} if options.colors == "keep" else {"colors": options.colors}),
        **({} if upscaler.alpha == "bleed" else {"alpha": upscaler.alpha}),
        **({} if upscaler.wrap is None else {"wrap": upscaler.wrap}),
    }


def digest_of_source(source: Path) -> str | None:
    """The digest of a picture's file; ``None`` for a pipe, which can be read once only, and for devices.

    Raises:
        ImageReadError: If it cannot be read.
    """
    try:
        return digest(source) if source.is_file() else None
    except OSError as error:
        raise ImageReadError(f"{source}: {error.strerror or error}") from error


def _same(source: Path, output: Path) -> bool:
    if absolute(output) == absolute(source):
        return True
    try:
        return output.samefile(source)
    except OSError:  # one of them is not there
        return os.path.realpath(output) == os.path.realpath(source)
