"""How far a file has been pushed, kept beside the data, so that it goes on where it stopped."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(slots=True, kw_only=True)
class Progress:
    """What of one file was acknowledged: its first `acknowledged` rows, and the submissions that they made."""

    sha256: str
    office: str
    mapping: str | None
    target: str
    acknowledged: int = 0
    submissions: list[str] = field(default_factory=list)
    done: bool = False


class ProgressFile:
    """The progress of one file towards one target, in a small file that is replaced whole."""

    def __init__(self, data_dir: Path, *, sha256: str, office: str, mapping: str | None, target: str) -> None:
        folder = data_dir / "submit"
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{sha256[:16]}.{office}.json"
        self._fresh = Progress(sha256=sha256, office=office, mapping=mapping, target=target)

    def read(self) -> Progress:
        """Return how far it came; from the beginning where it went elsewhere, or otherwise, before."""
        try:
            known = Progress(**json.loads(self._path.read_text("utf-8")))
        except (FileNotFoundError, TypeError, ValueError):
            return self._fresh
        same = (known.sha256, known.office, known.mapping, known.target) == (
            self._fresh.sha256,
            self._fresh.office,
            self._fresh.mapping,
            self._fresh.target,
        )
        return known if same else self._fresh

    def write(self, progress: Progress) -> None:
        """Keep it."""
        unfinished = self._path.with_suffix(".new")
        unfinished.write_text(json.dumps(asdict(progress)), "utf-8")
        unfinished.replace(self._path)
