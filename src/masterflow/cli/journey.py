"""The demo journey: the bundled workbook through discovery, told with figures from the database."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any
from uuid import UUID

from masterflow.cli.session import Session, Watch, follow
from masterflow.errors import Conflict
from masterflow.kernel.status import FlowStatus
from masterflow.orchestrator.filters import FlowFilters
from masterflow.orchestrator.inventory_views import MappingView
from masterflow.orchestrator.requests import CreateFlow, FlowOptions
from masterflow.orchestrator.views import FlowView

FLOW_NAME = "Demo: sizing workshop"
FILE_NAME = "rvtools-workshop.xlsx"
_MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_LIMIT = 64 * 1024 * 1024
_USABLE = frozenset({FlowStatus.QUEUED, FlowStatus.RUNNING, FlowStatus.WAITING_FOR_APPROVAL, FlowStatus.COMPLETED})
CONFIDENT, LIKELY = 0.9, 0.7


@dataclass(frozen=True, slots=True)
class Mapped:
    """Columns of a mapping by confidence: at least 0.9, at least 0.7, below, and left unmapped."""

    confident: int
    likely: int
    doubtful: int
    unmapped: int

    @property
    def columns(self) -> int:
        """All columns."""
        return self.confident + self.likely + self.doubtful + self.unmapped


@dataclass(frozen=True, slots=True)
class DemoPorts:
    """What the journey tells while it goes on: phases, and the mapping it is about to approve."""

    watch: Watch
    approving: Callable[[Mapped], None]


def workbook() -> bytes:
    """The bundled workbook."""
    return (resources.files("masterflow") / "data" / FILE_NAME).read_bytes()


def counted(mappings: Sequence[MappingView]) -> Mapped:
    """How many columns have which confidence."""
    mapped = [row.confidence for row in mappings if row.target is not None]
    return Mapped(
        confident=sum(value >= CONFIDENT for value in mapped),
        likely=sum(LIKELY <= value < CONFIDENT for value in mapped),
        doubtful=sum(value < LIKELY for value in mapped),
        unmapped=len(mappings) - len(mapped),
    )


async def find_demo(session: Session) -> FlowView | None:
    """The newest demo flow of this very workbook that is finished or can go on; None without one."""
    filters = FlowFilters(flow_type=("discovery",), name_contains=FLOW_NAME)
    page = await session.commands.queries.list_flows(session.scope, filters, limit=50)
    tag = _tag()
    found: list[FlowView] = page.items
    return next((flow for flow in found if tag in flow.flow_tags and flow.status in _USABLE), None)


async def start_demo(session: Session) -> FlowView:
    """Upload the workbook and create the flow, whose first phase is dispatched at once."""
    upload = await session.commands.inventory.upload(
        session.scope, file_name=FILE_NAME, media_type=_MEDIA_TYPE, content=_pieces(workbook()), max_bytes=_LIMIT
    )
    request = CreateFlow(
        flow_type="discovery",
        flow_name=FLOW_NAME,
        flow_description="The bundled workbook of 805 virtual machines, from file to inventory",
        flow_tags=["demo", _tag()],
        initial_data={"import_file_id": str(upload.import_id)},
        options=FlowOptions(auto_execute=True),
    )
    return await session.commands.orchestrator.create_flow(session.scope, request)


async def finish_demo(session: Session, flow: FlowView, ports: DemoPorts) -> FlowView:
    """Follow the flow to its end and accept the mapping on the way, as a person would.

    Raises:
        Conflict: the flow came to rest before its end.
    """
    while True:
        flow = await follow(session, flow.flow_id, ports.watch)
        if flow.status == FlowStatus.COMPLETED:
            return flow
        if flow.status != FlowStatus.WAITING_FOR_APPROVAL:
            raise Conflict(
                f"the demo flow came to rest in status {flow.status}",
                where={"flow_id": str(flow.flow_id), "phase": flow.current_phase or ""},
                next_step=f"See `masterflow flow history {flow.flow_id}`; `masterflow demo --again` runs a new one.",
            )
        if flow.current_phase == "field_mapping":
            mappings = await _mappings(session, flow.flow_id)
            ports.approving(counted(mappings))
        await session.commands.orchestrator.approve(
            session.scope, flow.flow_id, note="accepted by the demo", version=flow.version
        )


async def result(session: Session, flow: FlowView) -> dict[str, Any]:
    """The figures of a completed demo flow, read back from the results that its phases stored."""
    queries, scope = session.commands.queries, session.scope
    runs = [run for run in await queries.list_runs(scope, flow.flow_id) if run.status == "succeeded"]
    outputs = {run.phase: (await queries.get_run(scope, flow.flow_id, run.run_id)).outputs for run in runs}
    summary, debt = outputs["asset_inventory"]["summary"], outputs["tech_debt_assessment"]
    imported, mapped = outputs["data_import"], counted(await _mappings(session, flow.flow_id))
    return {
        "flow_id": str(flow.flow_id),
        "file": imported["file_name"],
        "source": imported["source_title"],
        "records": imported["records"],
        **{name: summary[name] for name in ("vms", "hosts_described", "hosts_named_only", "clusters", "templates")},
        "powered_on_non_templates": summary["powered_on_non_templates"],
        "vcpu": summary["vcpu"],
        "memory_gib": _rounded(summary["memory_gib"]),
        "provisioned_tib": _rounded(summary["provisioned_tib"]),
        "os_conflicts": summary["os_conflicts"],
        "mapping": {
            "columns": mapped.columns,
            "confidence_at_least_0.9": mapped.confident,
            "confidence_0.7_to_0.9": mapped.likely,
            "confidence_below_0.7": mapped.doubtful,
            "unmapped": mapped.unmapped,
        },
        "quality_score": _rounded(outputs["data_cleansing"]["quality_score"], 4),
        "dependencies": outputs["dependency_analysis"]["edges"],
        "eol": {"as_of": debt["as_of"], "catalog_as_of": debt["catalog_as_of"], "by_state": debt["by_state"]},
        "phases": {run.phase: run.execution_time_ms for run in runs},
    }


async def run_demo(session: Session, ports: DemoPorts, *, again: bool = False) -> dict[str, Any]:
    """The whole journey once, or its result when it was made before; seconds as a person waits."""
    began = time.monotonic()
    known = None if again else await find_demo(session)
    was_done = known is not None and known.status == FlowStatus.COMPLETED
    flow = known or await start_demo(session)
    if not was_done:
        flow = await finish_demo(session, flow, ports)
    document = await result(session, flow)
    return {**document, "made_before": was_done, "seconds": round(time.monotonic() - began, 2)}


async def _mappings(session: Session, flow_id: UUID) -> list[MappingView]:
    state = (await session.commands.queries.get_flow(session.scope, flow_id)).state
    import_id = UUID(state["initial_data"]["import_file_id"])
    return await session.commands.inventory.get_mappings(session.scope, import_id)


def _tag() -> str:
    return f"sha256:{hashlib.sha256(workbook()).hexdigest()[:16]}"


def _rounded(value: float | None, digits: int = 2) -> float | None:
    return None if value is None else round(value, digits)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    yield content
