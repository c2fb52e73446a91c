"""What a site may replace: its offices, the severities of rules, its mappings. Each has a default that ships."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from sync.offices import Offices, load_offices
from validators.rulebook import Ruleset, default_ruleset


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The tables by which this installation works. `mappings` is a folder, or None for those that ship."""

    offices: Offices
    ruleset: Ruleset
    mappings: Path | None


def load_site(config_dir: Path | None) -> Site:
    """Load the site's tables; whatever is not in `config_dir` is the default that ships."""
    return Site(
        offices=load_offices(_own(config_dir, "offices.toml")),
        ruleset=default_ruleset(_own(config_dir, "severities.csv")),
        mappings=_own(config_dir, "mappings"),
    )


def ruleset_body(ruleset: Ruleset) -> str:
    """Return the ruleset as canonical JSON: what the returns that name its version were judged by."""
    rules = {name: asdict(rule) for name, rule in ruleset.rules.items()}
    severities = [asdict(row) for row in ruleset.rows]
    body = {"version": ruleset.version, "rules": rules, "severities": severities}
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def digest(body: str) -> bytes:
    """Return the SHA-256 of a ruleset's canonical JSON."""
    return hashlib.sha256(body.encode()).digest()


def _own(config_dir: Path | None, name: str) -> Path | None:
    if config_dir is None or not (config_dir / name).exists():
        return None
    return config_dir / name
