"""Named SQL statements, read from the .sql file that lies beside the Python module that runs them.

A file holds statements, each under `-- name: claim_due` and a line of purpose. `statements("ledger")` reads
`ledger.sql` of this package and gives them by name; a name asked for and not there is a KeyError at import, not in
production.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

_HEADER = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def statements(module: str, package: str = "sync.store") -> Mapping[str, str]:
    """Return the statements of a package's `<module>.sql` by name."""
    text = files(package).joinpath(f"{module}.sql").read_text("utf-8")
    parts = _HEADER.split(text)
    names, bodies = parts[1::2], parts[2::2]
    if len(set(names)) != len(names):
        raise ValueError(f"{module}.sql names a statement twice")
    return MappingProxyType({name: body.strip() for name, body in zip(names, bodies, strict=True)})
