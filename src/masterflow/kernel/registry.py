"""Flow types with their handlers and validators, checked when registered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import ModuleType
from typing import Any

from masterflow.errors import ConfigurationInvalid, InvalidInput, NotFound
from masterflow.kernel.definition import FlowTypeConfig, PhaseConfig, mistakes

Handler = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class FlowType:
    """A registered type: its configuration and the functions its names resolved to."""

    config: FlowTypeConfig
    handlers: Mapping[str, Handler]
    validators: Mapping[str, Handler]

    def handlers_of(self, phase: PhaseConfig) -> tuple[tuple[str, Handler], ...]:
        """(name, function) of each step of a phase, in order."""
        return tuple((name, self.handlers[name]) for name in phase.handlers)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A flow type before its check: configuration and the modules in which its names are looked up."""

    config: FlowTypeConfig
    handlers: ModuleType
    validators: ModuleType


class FlowTypeRegistry:
    """The flow types of this process; made in the composition root and passed on."""

    def __init__(self) -> None:
        self._types: dict[str, FlowType] = {}

    def register_all(self, candidates: list[Candidate]) -> None:
        """Check and register several types; nothing is registered when one of them has a mistake.

        Raises:
            ConfigurationInvalid: lists every mistake of every type.
        """
        names = [*self._types, *(candidate.config.name for candidate in candidates)]
        found = [f"flow type '{name}' is registered twice" for name in sorted({n for n in names if names.count(n) > 1})]
        for candidate in candidates:
            found += mistakes(
                candidate.config,
                handlers=partial(public, candidate.handlers),
                validators=partial(public, candidate.validators),
            )
        if found:
            raise ConfigurationInvalid(
                "flow types have mistakes: " + "; ".join(found),
                next_step="Correct the flow type's folder and start again.",
            )
        for candidate in candidates:
            self._types[candidate.config.name] = _resolve(candidate)

    def get(self, name: str) -> FlowType:
        """The type of that name.

        Raises:
            NotFound: with the names that exist.
        """
        if name not in self._types:
            raise NotFound(
                f"there is no flow type '{name}'", next_step=f"Flow types: {', '.join(sorted(self._types))}."
            )
        return self._types[name]

    def require(self, name: str) -> FlowType:
        """Like `get`, for a name in a request body.

        Raises:
            InvalidInput: with the names that exist.
        """
        try:
            return self.get(name)
        except NotFound as error:
            raise InvalidInput(error.detail, where={"field": "flow_type"}, next_step=error.next_step) from None

    def list_flow_types(self) -> list[str]:
        """Registered names, sorted."""
        return sorted(self._types)


def public(module: ModuleType, name: str) -> Handler | None:
    """A function defined in or imported into `module` under `name`; private names do not count."""
    found = getattr(module, name, None)
    return found if callable(found) and not name.startswith("_") else None


def _resolve(candidate: Candidate) -> FlowType:
    phases = candidate.config.phases
    handlers = {name for phase in phases for name in phase.handlers}
    checks = {name for phase in phases for name in [*phase.validators, *phase.output_validators]}
    return FlowType(
        config=candidate.config,
        handlers={name: getattr(candidate.handlers, name) for name in handlers},
        validators={name: getattr(candidate.validators, name) for name in checks},
    )
