"""Who may call a route: every route carries a policy, and the public ones are a written list.

A route without a policy fails the start (`check_closed`), so that none is open by omission.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from service.auth.scopes import SCOPES, Scope

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Policy:
    """Who may call: bearers of a key with `scope`, or everybody where it is None."""

    scope: Scope | None


_PUBLIC = Policy(None)
_POLICIES: dict[Callable[..., Any], Policy] = {}

# Open to everybody. A public endpoint that is not on this list fails the start.
PUBLIC_ROUTES: frozenset[tuple[str, str]] = frozenset(
    (
        ("GET", "/v1/validations/{code:path}"),
        ("POST", "/v1/validations"),
        ("GET", "/v1/rules"),
        ("GET", "/v1/authorities"),
        ("GET", "/v1/divisions/{code}"),
        ("GET", "/problems/{name}"),
        ("GET", "/livez"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/docs"),
        ("GET", "/docs.css"),
    )
)


def requires(scope: Scope) -> Callable[[_Endpoint], _Endpoint]:
    """Mark an endpoint: a key with `scope` is needed."""
    if scope not in SCOPES:
        raise ValueError(f"no such scope: {scope}")

    def mark(endpoint: _Endpoint) -> _Endpoint:
        _POLICIES[endpoint] = Policy(scope)
        return endpoint

    return mark


def public(endpoint: _Endpoint) -> _Endpoint:
    """Mark an endpoint: everybody may call it. Its route must stand in PUBLIC_ROUTES."""
    _POLICIES[endpoint] = _PUBLIC
    return endpoint


def policy_of(endpoint: Callable[..., Any]) -> Policy | None:
    """Return the policy of an endpoint, None where it has none."""
    return _POLICIES.get(endpoint)


class UnguardedRoute(Exception):
    """A route has no policy, or is public without standing in the written list."""


def check_closed(routes: Iterable[object]) -> None:
    """Refuse an application of which a route is open by omission.

    Raises:
        UnguardedRoute: names the route.
    """
    for route in routes:
        endpoint = getattr(route, "endpoint", None)
        path = getattr(route, "path", repr(route))
        policy = None if endpoint is None else policy_of(endpoint)
        if policy is None:
            raise UnguardedRoute(f"{path} has no policy")
        methods = set(getattr(route, "methods", None) or ("*",)) - {"HEAD"}
        if policy.scope is None and any((method, path) not in PUBLIC_ROUTES for method in methods):
            raise UnguardedRoute(f"{path} is public but not in the written list")
