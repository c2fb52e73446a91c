"""The look-up as it is usually written: FastAPI, SQLAlchemy's async ORM, a response model, a key that is checked.

`python -m tests.bench.peers.plain_api PORT`, with BENCH_DSN and BENCH_KEY in the environment. The key lies in memory,
which is kinder to this peer than asking the database for it.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import sys
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any

import uvicorn
from fastapi import Depends, FastAPI, Header, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ForeignKey, Text, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship

_ENGINE = create_async_engine(os.environ["BENCH_DSN"].replace("postgresql://", "postgresql+asyncpg://"), pool_size=8)
_SESSIONS = async_sessionmaker(_ENGINE, expire_on_commit=False)
_KEY = hashlib.sha256(os.environ["BENCH_KEY"].encode()).digest()

app = FastAPI()


class _Base(DeclarativeBase):
    """The tables of this application."""


class Version(_Base):
    """One line of registration_version."""

    __tablename__ = "registration_version"

    uscc: Mapped[str] = mapped_column(Text, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    recorded_at: Mapped[datetime] = mapped_column(primary_key=True)
    record: Mapped[dict[str, Any]] = mapped_column(JSONB)


class Registration(_Base):
    """One line of registration, with the version whose particulars are in force."""

    __tablename__ = "registration"

    uscc: Mapped[str] = mapped_column(Text, ForeignKey("registration_version.uscc"), primary_key=True)
    version: Mapped[int]
    status: Mapped[str] = mapped_column(Text)
    office: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[datetime]
    recorded_at: Mapped[datetime]
    particulars_version: Mapped[int]
    particulars_recorded_at: Mapped[datetime]
    is_public: Mapped[bool]
    particulars: Mapped[Version] = relationship(
        primaryjoin="and_(Registration.uscc == Version.uscc, Registration.particulars_version == Version.version, "
        "Registration.particulars_recorded_at == Version.recorded_at)",
        viewonly=True,
    )


class RegistrationOut(BaseModel):
    """The answer."""

    model_config = ConfigDict(from_attributes=True)

    uscc: str
    version: int
    status: str
    office: str
    valid_from: datetime
    recorded_at: datetime
    record: dict[str, str]


async def _session() -> AsyncIterator[AsyncSession]:
    async with _SESSIONS() as session:
        yield session


async def _check_key(authorization: Annotated[str, Header()]) -> None:
    claimed = hashlib.sha256(authorization.removeprefix("Bearer ").encode()).digest()
    if not hmac.compare_digest(claimed, _KEY):
        raise HTTPException(401)


@app.get("/ready")
async def ready() -> dict[str, bool]:
    """Say that requests are taken."""
    return {"ready": True}


@app.get("/registrations/{uscc}", response_model=RegistrationOut, dependencies=[Depends(_check_key)])
async def read_registration(uscc: str, session: Annotated[AsyncSession, Depends(_session)]) -> RegistrationOut:
    """Return the registration of a code."""
    query = select(Registration).options(joinedload(Registration.particulars)).where(Registration.uscc == uscc)
    found = (await session.execute(query)).scalar_one_or_none()
    if found is None or not found.is_public:
        raise HTTPException(404)
    return RegistrationOut(
        uscc=found.uscc,
        version=found.version,
        status=found.status,
        office=found.office,
        valid_from=found.valid_from,
        recorded_at=found.recorded_at,
        record=found.particulars.record,
    )


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), loop="uvloop", http="httptools", access_log=False)
