"""Decide the operating system of an asset where configuration and guest tools both name one."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from masterflow.domain.inventory.draft import Draft, agree
from masterflow.domain.inventory.model import Conflict, FieldSource
from masterflow.domain.operating_systems import parse_os, same_system
from masterflow.domain.records import Issue, Place

# An estate repeats a few dozen texts; reading each of them once is enough.
_parsed = lru_cache(maxsize=4_096)(parse_os)

TOOLS_RULE = "guest tools over configuration"
VERSION_STEP = "version named by the operating system"


def settle_system(draft: Draft) -> Issue | None:
    """Choose between `operating_system` (configured) and `os_tools` (reported by the guest).

    What the running guest reports wins when it is recognised or the configuration is not. Where
    both are recognised and say different things the loser is recorded as a Conflict: a warning if
    product or version contradict each other, otherwise (edition, width, a vaguer name) a note.
    """
    tools, configured = draft.values.get("os_tools"), draft.values.get("operating_system")
    issue = None
    if isinstance(tools, str) and not isinstance(configured, str):
        _use_tools(draft, tools, "guest tools; no configured system")
    elif isinstance(tools, str) and isinstance(configured, str):
        issue = _compare(draft, tools, configured)
    _settle_version(draft)
    return issue


def _compare(draft: Draft, tools: str, configured: str) -> Issue | None:
    reported, planned = _parsed(tools), _parsed(configured)
    if reported is None and planned is not None:
        return None
    issue = None
    if reported is not None and planned is not None and reported != planned:
        sources = (draft.sources["os_tools"][0], draft.sources["operating_system"][0])
        draft.conflicts.append(Conflict("operating_system", tools, configured, TOOLS_RULE, sources))
        issue = _issue(draft, sources[0], contradicts=not same_system(reported, planned))
    if not agree(tools, configured):
        _use_tools(draft, tools, TOOLS_RULE)
    return issue


def _use_tools(draft: Draft, tools: str, rule: str) -> None:
    sources = [replace(source, rule=rule) for source in draft.sources["os_tools"]]
    draft.put("operating_system", tools, sources)


def _issue(draft: Draft, source: FieldSource, *, contradicts: bool) -> Issue:
    conflict = draft.conflicts[-1]
    message = (
        f"{draft.name}: the guest tools report {conflict.chosen!r}, the configuration says "
        f"{conflict.rejected!r}; the report of the guest tools is used"
    )
    place = Place(sheet=source.sheet, row=source.row, column=source.column)
    code = "os_conflict" if contradicts else "os_detail_differs"
    return Issue(code, "warning" if contradicts else "info", message, place)


def _settle_version(draft: Draft) -> None:
    """Without a version column, the version that the chosen text names."""
    chosen = draft.values.get("operating_system")
    system = _parsed(chosen) if isinstance(chosen, str) and "os_version" not in draft.values else None
    if system is not None and system.version:
        sources = draft.sources["operating_system"]
        steps = [replace(source, transform=(*source.transform, VERSION_STEP)) for source in sources]
        draft.put("os_version", system.version, steps)
