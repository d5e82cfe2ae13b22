"""What the HTTP interface works with, made in the composition root."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from masterflow.orchestrator.access import Access
from masterflow.orchestrator.analytics import FlowAnalytics
from masterflow.orchestrator.feed import EventFeed, Notices
from masterflow.orchestrator.identity import Identity
from masterflow.orchestrator.inventory import Inventory
from masterflow.orchestrator.orchestrator import MasterFlowOrchestrator
from masterflow.orchestrator.queries import FlowQueries
from masterflow.orchestrator.transaction import RequestTransaction


@dataclass(frozen=True, slots=True)
class Probes:
    """What the health routes ask: `started` once, `checks` by name each time (False or an error: not ready)."""

    started: Callable[[], bool]
    checks: Mapping[str, Callable[[], Awaitable[bool]]]


@dataclass(frozen=True, slots=True)
class WebServices:
    """The guarded classes, the identity of callers, and the health of the process."""

    orchestrator: MasterFlowOrchestrator
    queries: FlowQueries
    feed: EventFeed
    analytics: FlowAnalytics
    inventory: Inventory
    identity: Identity
    transactions: RequestTransaction
    probes: Probes


def services_over(access: Access, *, notices: Notices, probes: Probes) -> WebServices:
    """All services over the same ports. Whoever calls this also runs `notices.run()` beside the server."""
    transactions = RequestTransaction(access)
    return WebServices(
        orchestrator=transactions.commands.orchestrator,
        queries=FlowQueries(access),
        feed=EventFeed(access, notices),
        analytics=FlowAnalytics(access),
        inventory=transactions.commands.inventory,
        identity=Identity(access.database),
        transactions=transactions,
        probes=probes,
    )
