"""What a flow type is: configuration values that name their validators and handlers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pydantic import BaseModel

Approval = Literal["none", "gate", "review"]
_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class RetryConfig:
    """When a failed attempt is tried again. Delays in seconds; attempts include the first one."""

    max_attempts: int = 3
    initial_delay_seconds: float = 1.0
    backoff_multiplier: float = 2.0
    max_delay_seconds: float = 60.0
    jitter: float = 0.1
    """Largest share of the delay that is added at random, 0..1."""
    non_retryable: tuple[str, ...] = (
        "not_found",
        "not_permitted",
        "resource_limit_reached",
        "seal_broken",
        "worker_lost",
    )
    """Error codes that end the run at once."""

    def limited(self, max_retries: int | None) -> RetryConfig:
        """The same with at most `max_retries` attempts after the first; None changes nothing."""
        if max_retries is None:
            return self
        return replace(self, max_attempts=min(self.max_attempts, max_retries + 1))


@dataclass(frozen=True, slots=True)
class FlowCapabilities:
    """What flows of a type can do; asking for more is refused."""

    supports_pause_resume: bool = True
    supports_rollback: bool = False
    supports_branching: bool = False
    supports_iterations: bool = True
    max_iterations: int = 10
    supports_scheduling: bool = False


@dataclass(frozen=True, slots=True)
class PhaseConfig:
    """One phase: inputs, checks, steps (one handler is one step) and who has to agree.

    `approval`: "gate" is released by a person before it runs, "review" is accepted by a person before
    the flow goes on. Names of validators and handlers are resolved in the folder of the flow type.
    """

    name: str
    display_name: str
    description: str
    handlers: list[str]
    inputs: type[BaseModel]
    required_inputs: list[str] = field(default_factory=list)
    optional_inputs: list[str] = field(default_factory=list)
    validators: list[str] = field(default_factory=list)
    output_validators: list[str] = field(default_factory=list)
    approval: Approval = "none"
    can_pause: bool = True
    can_skip: bool = False
    timeout_seconds: int = 300
    retry_config: RetryConfig = RetryConfig()


@dataclass(frozen=True, slots=True)
class FlowTypeConfig:
    """A flow type. `crew_class` is the dotted name of a CrewAI Flow, resolved by workers that have it."""

    name: str
    display_name: str
    description: str
    phases: list[PhaseConfig]
    output_schema: type[BaseModel]
    version: str = "1.0.0"
    capabilities: FlowCapabilities = FlowCapabilities()
    crew_class: str | None = None
    phase_aliases: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, object] = field(default_factory=dict)

    def phase(self, name: str) -> PhaseConfig | None:
        """The phase of that name or alias; None if the type has none."""
        wanted = self.phase_aliases.get(name, name)
        return next((phase for phase in self.phases if phase.name == wanted), None)

    @property
    def phase_names(self) -> list[str]:
        """Phase names in order."""
        return [phase.name for phase in self.phases]


Resolver = Callable[[str], object | None]
"""Looks a handler or validator up by name in a flow type's folder; None when there is none."""


def mistakes(config: FlowTypeConfig, *, handlers: Resolver, validators: Resolver) -> list[str]:
    """Everything that is wrong with a flow type; empty when it can be registered."""
    found = _name_mistakes(config)
    if config.capabilities.max_iterations < 1:
        found.append(f"{config.name}: max_iterations is at least 1")
    for phase in config.phases:
        place = f"{config.name}.{phase.name}"
        found += [f"{place}: {text}" for text in _phase_mistakes(phase)]
        found += [f"{place}: unknown handler '{name}'" for name in phase.handlers if handlers(name) is None]
        checks = [*phase.validators, *phase.output_validators]
        found += [f"{place}: unknown validator '{name}'" for name in checks if validators(name) is None]
    return found


def _name_mistakes(config: FlowTypeConfig) -> list[str]:
    names = config.phase_names
    found = [f"{config.name}: a flow type needs at least one phase"] if not names else []
    found += [
        f"'{name}': a name begins with a lower case letter and goes on with those, digits and underscores"
        for name in [config.name, *names]
        if not _NAME.fullmatch(name)
    ]
    found += [f"{config.name}: phase '{name}' is listed twice" for name in sorted(_repeated(names))]
    for alias, target in config.phase_aliases.items():
        if target not in names:
            found.append(f"{config.name}: alias '{alias}' points to unknown phase '{target}'")
        if alias in names:
            found.append(f"{config.name}: alias '{alias}' is also a phase")
    return found


def _phase_mistakes(phase: PhaseConfig) -> list[str]:
    found: list[str] = []
    if not phase.handlers:
        found.append("a phase needs at least one handler")
    found += [f"handler '{name}' is listed twice" for name in sorted(_repeated(phase.handlers))]
    fields = phase.inputs.model_fields
    for name in [*phase.required_inputs, *phase.optional_inputs]:
        if name not in fields:
            found.append(f"input '{name}' is not a field of {phase.inputs.__name__}")
    for name, info in fields.items():
        if info.is_required() and name not in phase.required_inputs:
            found.append(f"{phase.inputs.__name__}.{name} is required but not in required_inputs")
    if phase.timeout_seconds <= 0:
        found.append("timeout_seconds is positive")
    return found + _retry_mistakes(phase.retry_config)


def _retry_mistakes(retry: RetryConfig) -> list[str]:
    found = []
    if retry.max_attempts < 1 or not retry.initial_delay_seconds >= 0 or not 1 <= retry.backoff_multiplier <= 10:
        found.append("retry_config: attempts >= 1, delay >= 0, multiplier 1 to 10")
    if not 0 <= retry.jitter <= 1:
        found.append("retry_config: jitter is a share from 0 to 1")
    if not retry.initial_delay_seconds <= retry.max_delay_seconds < float("inf"):
        found.append("retry_config: max_delay_seconds is finite and not below initial_delay_seconds")
    return found


def _repeated(names: Sequence[str]) -> set[str]:
    return {name for name in names if names.count(name) > 1}
