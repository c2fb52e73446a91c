"""The names of the topics: what offices push to, read from, and what everybody may follow (contract.md §2)."""

from __future__ import annotations

CHANGES = "uscc.changes"
SUBMISSIONS_PREFIX = "uscc.submissions."
RETURNS_PREFIX = "uscc.returns."


def submissions_topic(office: str) -> str:
    """Return the topic that an office pushes to."""
    return SUBMISSIONS_PREFIX + office


def returns_topic(office: str) -> str:
    """Return the topic that an office reads its returns from."""
    return RETURNS_PREFIX + office
