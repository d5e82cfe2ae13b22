"""The gate: every public method of a guarded class names its permission, or the class does not load."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from masterflow.errors import NotPermitted
from masterflow.kernel.permission import PERMISSIONS, Scope

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C")


class Audits(Protocol):
    """Something that can record a refused attempt in a transaction of its own."""

    async def record_denied(self, scope: Scope, *, action: str, permission: str) -> None:
        """Write the audit row of a refused attempt."""


class Guarded(Protocol):
    """A guarded object knows where refusals are recorded."""

    @property
    def audits(self) -> Audits:
        """Where refused attempts go."""


G = TypeVar("G", bound=Guarded)


def requires(
    permission: str,
) -> Callable[[Callable[Concatenate[G, Scope, P], Awaitable[R]]], Callable[Concatenate[G, Scope, P], Awaitable[R]]]:
    """Let a method run only for a scope that has `permission`; a refusal is recorded."""
    if permission not in PERMISSIONS:
        raise TypeError(f"unknown permission '{permission}'")

    def wrap(
        method: Callable[Concatenate[G, Scope, P], Awaitable[R]],
    ) -> Callable[Concatenate[G, Scope, P], Awaitable[R]]:
        @functools.wraps(method)
        async def checked(self: G, scope: Scope, /, *args: P.args, **kwargs: P.kwargs) -> R:
            if permission not in scope.permissions:
                await self.audits.record_denied(scope, action=method.__name__, permission=permission)
                raise NotPermitted(
                    f"this needs the permission {permission}",
                    where={"permission": permission},
                    next_step="Ask an administrator of your client account for a role that has it.",
                )
            return await method(self, scope, *args, **kwargs)

        checked.permission = permission  # type: ignore[attr-defined]
        return checked

    return wrap


def guarded(cls: type[C]) -> type[C]:
    """Class decorator: refuses to load a class with a public method that is not async or not permitted."""
    for name, member in vars(cls).items():
        if name.startswith("_") or not inspect.isfunction(member):
            continue
        if permission_of(member) is None:
            raise TypeError(f"{cls.__name__}.{name} names no permission")
        if not inspect.iscoroutinefunction(inspect.unwrap(member)):
            raise TypeError(f"{cls.__name__}.{name} is not async")
    return cls


def permission_of(method: Any) -> str | None:
    """The permission a method asks for; None when it asks for none."""
    found = getattr(method, "permission", None)
    return found if isinstance(found, str) else None
