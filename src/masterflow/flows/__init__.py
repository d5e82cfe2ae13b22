"""The flow types: one folder each, found here, and those of installed packages."""

from __future__ import annotations

import importlib
import pkgutil
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType

from masterflow.errors import ConfigurationInvalid
from masterflow.kernel.definition import FlowTypeConfig
from masterflow.kernel.registry import Candidate

ENTRY_POINT_GROUP = "masterflow.flows"


def discover() -> list[Candidate]:
    """Every folder beside this file and every package of the entry-point group, unchecked.

    Raises:
        ConfigurationInvalid: a folder lacks `FLOW`, `handlers` or `validators`, or a package cannot be loaded.
    """
    folders = [info.name for info in pkgutil.iter_modules(__path__) if info.ispkg]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in sorted(folders)]
    modules += [_installed(point) for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda p: p.name)]
    return [candidate(module) for module in modules]


def _installed(point: EntryPoint) -> ModuleType:
    try:
        found: ModuleType = point.load()
    except (ImportError, AttributeError) as error:
        raise ConfigurationInvalid(
            f"the installed flow type '{point.name}' ({point.value}) cannot be loaded: {error}",
            next_step="Install what it needs, or remove the package.",
        ) from error
    return found


def candidate(module: ModuleType) -> Candidate:
    """The flow type that a package declares."""
    parts = {name: getattr(module, name, None) for name in ("FLOW", "handlers", "validators")}
    missing = [name for name, part in parts.items() if part is None]
    flow, handlers, validators = parts["FLOW"], parts["handlers"], parts["validators"]
    name = getattr(module, "__name__", repr(module))
    if (
        not isinstance(flow, FlowTypeConfig)
        or not isinstance(handlers, ModuleType)
        or not isinstance(validators, ModuleType)
    ):
        raise ConfigurationInvalid(
            f"{name} is no flow type: {', '.join(missing) or 'FLOW'} missing or of the wrong kind",
            next_step="A flow type package has FLOW (FlowTypeConfig), handlers and validators (modules).",
        )
    return Candidate(flow, handlers, validators)
