"""What endpoints ask for, each as an Annotated alias, so that a route reads like a function."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from service.auth.bearers import demand_scope
from service.auth.policy import Policy, policy_of
from service.middleware import CONTEXT, Context, Scope
from service.problems import Fault, Problem, invalid, pointer_to
from service.resources import Resources
from sync.store.clients import Bearer


def resources_of(scope: Scope) -> Resources:
    """Return what the application was made with."""
    resources: Resources = scope["app"].state.resources
    return resources


def context_of(scope: Scope) -> Context:
    """Return what is known of the request."""
    context: Context = scope[CONTEXT]
    return context


async def admit(scope: Scope, resources: Resources, policy: Policy) -> None:
    """Let a request through by the policy of its route, or refuse it.

    Raises:
        Problem: unauthenticated, not-permitted, too-many-requests.
    """
    if policy.scope is None:
        return
    context = context_of(scope)
    if context.signed is not None and context.authorization is None:
        bearer = await resources.exchange.authenticate(context.signed)
    else:
        bearer = await resources.bearers.authenticate(context.authorization)
    context.bearer = bearer
    demand_scope(bearer, policy.scope)
    context.extra_headers += resources.limits.take_request(bearer)


async def enforce(request: Request) -> None:
    """Apply the policy of the route, and refuse a parameter that is given twice; stands before every endpoint."""
    policy = policy_of(request.scope["endpoint"])
    if policy is None:
        raise Problem("not-permitted")
    await admit(request.scope, resources_of(request.scope), policy)
    names = [name for name, _ in request.query_params.multi_items()]
    if len(set(names)) != len(names):
        raise invalid(*(Fault("repeated", pointer_to([name])) for name in sorted(set(names)) if names.count(name) > 1))


def _resources(request: Request) -> Resources:
    return resources_of(request.scope)


def _context(request: Request) -> Context:
    return context_of(request.scope)


def _bearer(request: Request) -> Bearer:
    bearer = context_of(request.scope).bearer
    if bearer is None:
        raise Problem("not-permitted")
    return bearer


ResourcesDep = Annotated[Resources, Depends(_resources)]
ContextDep = Annotated[Context, Depends(_context)]
BearerDep = Annotated[Bearer, Depends(_bearer)]
