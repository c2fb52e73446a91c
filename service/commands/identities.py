"""Who acts at the terminal: a client that shows its key, or a name that is only said.

Four eyes are two persons'. A name that anybody can type proves no person, so that what needs a person needs the key of
one; a name that is a client's is not taken without its key.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from service.commands import options
from sync.store.clients import find_bearer, is_client, key_sha256
from sync.store.connection import ReadConn

by = click.option(
    "--by", type=options.WORDS, help="Who answers for it: a name that is written down (default: operator)."
)
key_file = click.option(
    "--key-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The key of the client that acts (uscc clients create NAME --scopes cases --person).",
)
_SCOPE = "cases"
_OPERATOR = "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who acts, for which office (None: the centre, for all), and whether a person does."""

    name: str
    office: str | None = None
    is_person: bool = False


async def identify(connection: ReadConn, said: str | None, key: Path | None) -> Identity:
    """Return who acts: the client of a key, or who somebody says to be, who then is no person.

    Raises:
        click.ClickException: the key is not one, may not settle cases or is another's; the name needs its key.
    """
    if key is None:
        name = said or _OPERATOR
        if await is_client(connection, name):
            raise click.UsageError(
                f"{name} 是调用方，须出示密钥 · {name} is a client: show its key by --key-file, a name proves nobody"
            )
        return Identity(name=name)
    bearer = await find_bearer(connection, key_sha256(options.read_key(key)))
    if bearer is None:
        raise click.ClickException(f"{key}：密钥无效 · holds no valid key: it is unknown, has ended or was revoked")
    if said is not None and said != bearer.name:
        raise click.UsageError(f"{key}：是 {bearer.name} 的密钥 · is the key of {bearer.name}, not of {said}")
    if _SCOPE not in bearer.scopes:
        raise click.ClickException(f"{bearer.name} 无权办理案件 · lacks the scope {_SCOPE}")
    return Identity(name=bearer.name, office=bearer.office, is_person=bearer.person)
