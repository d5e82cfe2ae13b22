"""What `masterflow bench` measures of data: imports, the workbook, capture and roll-back, sealing."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from importlib import resources
from typing import Any
from uuid import UUID

from masterflow.cli.bench_site import Site
from masterflow.errors import Conflict
from masterflow.kernel.permission import Scope
from masterflow.kernel.status import FlowStatus
from masterflow.orchestrator.requests import CreateFlow, ExecuteFlow, FlowOptions
from masterflow.store.repositories import Repositories

WORKBOOK = "rvtools-workshop.xlsx"
_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_EXECUTE = ExecuteFlow()
_LIMIT = 64 * 1024 * 1024
_ENDS = frozenset({FlowStatus.FAILED, FlowStatus.WAITING_FOR_INPUT, FlowStatus.COMPLETED, FlowStatus.READY})
_AFTER_INVENTORY = "dependency_analysis"
WAIT_SECONDS = 300.0


def small_csv(rows: int) -> bytes:
    """A plain inventory of virtual machines with eight columns."""
    head = "VM Name,IP Address,Operating System,CPU Cores,Memory GB,Storage GB,Environment,Power State\n"
    lines = (
        f"vm-{n:04},10.0.{n // 250}.{n % 250 + 1},Ubuntu 22.04,{n % 8 + 1},{4 * (n % 8 + 1)},{50 + n},"
        f"{('Production', 'Test')[n % 2]},poweredOn\n"
        for n in range(rows)
    )
    return (head + "".join(lines)).encode()


async def uploaded(site: Site, scope: Scope, name: str, content: bytes) -> UUID:
    """The id of a new import."""

    async def pieces() -> AsyncIterator[bytes]:
        yield content

    media_type = _XLSX if name.endswith("xlsx") else "text/csv"
    view = await site.inventory.upload(scope, file_name=name, media_type=media_type, content=pieces(), max_bytes=_LIMIT)
    return UUID(str(view.import_id))


def _discovery(import_id: UUID, *, whole: bool) -> CreateFlow:
    return CreateFlow(
        flow_type="discovery",
        initial_data={"import_file_id": str(import_id)},
        options=FlowOptions(auto_execute=whole),
    )


async def first_phases(site: Site, count: int, rows: int) -> dict[str, Any]:
    """Create discovery flows on a CSV and execute the first phase of all at once: seconds, and failures."""
    scope = site.new_scope()
    content = small_csv(rows)
    imports = [await uploaded(site, scope, f"inventory-{number}.csv", content) for number in range(count)]
    began = time.perf_counter()
    flows = await asyncio.gather(*(_first_phase(site, scope, import_id) for import_id in imports))
    seconds = time.perf_counter() - began
    statuses = [await _status(site, scope, flow_id) for flow_id in flows]
    return {
        "flows": count,
        "file": f"CSV of {rows} rows and 8 columns, made by the command",
        "seconds": seconds,
        "failures": sum(status != (FlowStatus.READY, "data_import") for status in statuses),
    }


async def _first_phase(site: Site, scope: Scope, import_id: UUID) -> UUID:
    flow = await site.orchestrator.create_flow(scope, _discovery(import_id, whole=False))
    await site.orchestrator.execute_phase(scope, flow.flow_id, _EXECUTE)
    await asyncio.wait_for(site.finishes.of(flow.flow_id).wait(), WAIT_SECONDS)
    return flow.flow_id


async def _status(site: Site, scope: Scope, flow_id: UUID) -> tuple[str, str | None]:
    async with site.database.read(scope) as session:
        row = await Repositories(session, scope=scope, new_id=uuid.uuid4).flows.get(flow_id)
    return (row.flow_status, row.current_phase) if row is not None else ("", None)


async def workbook_to_inventory(site: Site) -> dict[str, Any]:
    """Seconds from the upload of the bundled workbook until its inventory is committed, and its assets."""
    scope = site.new_scope()
    content = (resources.files("masterflow") / "data" / WORKBOOK).read_bytes()
    began = time.perf_counter()
    flow = await site.orchestrator.create_flow(
        scope, _discovery(await uploaded(site, scope, WORKBOOK, content), whole=True)
    )
    while True:
        event = site.finishes.of(flow.flow_id)
        await asyncio.wait_for(event.wait(), WAIT_SECONDS)
        event.clear()
        status, phase = await _status(site, scope, flow.flow_id)
        seconds = time.perf_counter() - began
        if phase == _AFTER_INVENTORY or status == FlowStatus.COMPLETED:
            break
        if status == FlowStatus.WAITING_FOR_APPROVAL:
            await site.orchestrator.approve(scope, flow.flow_id)
        elif status in _ENDS:
            raise Conflict(f"the workbook's flow came to rest in status {status}", where={"phase": phase})
    await _end(site, scope, flow.flow_id)
    return {"file": WORKBOOK, "seconds": seconds, "approval": "the mapping is approved at once"}


async def _end(site: Site, scope: Scope, flow_id: UUID) -> None:
    """Let the rest of the flow finish, so that it does not run into the next measurement."""
    event = site.finishes.of(flow_id)
    while (await _status(site, scope, flow_id))[0] in (FlowStatus.QUEUED, FlowStatus.RUNNING):
        await asyncio.wait_for(event.wait(), WAIT_SECONDS)
        event.clear()


def asset_rows(count: int, generation: int) -> list[dict[str, Any]]:
    """Rows of an inventory; another generation changes every one of them."""
    return [
        {
            "natural_key": f"bench:{number}",
            "name": f"vm-{number}",
            "asset_type": "virtual_machine",
            "operating_system": "Ubuntu Linux (64-bit)",
            "cpu_cores": number % 16 + generation,
            "memory_gb": float(4 * (number % 8 + generation)),
            "storage_gb": 100.0 + number,
            "environment": "production",
            "technical_details": {"vi_sdk_uuid": str(number), "generation": generation},
        }
        for number in range(count)
    ]


async def upserts(site: Site, count: int) -> dict[str, float]:
    """Seconds to insert and then to change that many assets, and to revert the change, in a new engagement."""
    scope, times = site.new_scope(), dict[str, float]()
    for generation, name in ((1, "insert"), (2, "change")):
        rows, change_set = asset_rows(count, generation), uuid.uuid4()
        began = time.perf_counter()
        async with site.database.write(scope, kind="human", change_set=change_set) as session:
            await Repositories(session, scope=scope, new_id=uuid.uuid4).assets.upsert_drafts(rows)
        times[name] = time.perf_counter() - began
    async with site.database.read(scope) as session:
        touched = await Repositories(session, scope=scope, new_id=uuid.uuid4).changes.touched(change_set)
    times["captured_rows"] = float(sum(table.rows for table in touched))
    began = time.perf_counter()
    await site.database.call(
        "select * from app.revert(%s, %s, %s::jsonb, gen_random_uuid(), array[%s])",
        (scope.client_account_id, scope.engagement_id, json.dumps(scope.actor_document()), change_set),
    )
    times["revert"] = time.perf_counter() - began
    return times


async def without_capture(site: Site, measure: Callable[[], Awaitable[Mapping[str, float]]]) -> Mapping[str, float]:
    """What `measure` gives while the triggers of the asset table (guard, key, capture) are off."""
    await site.owner.execute("alter table app.assets disable trigger user")
    try:
        return await measure()
    finally:
        await site.owner.execute("alter table app.assets enable trigger user")


def sealing_seconds(site: Site, count: int) -> dict[str, Sequence[float]]:
    """Times to seal and open a state of about 4 kB with one secret, and to write and read it as plain JSON."""
    scope, flow_id = site.new_scope(), uuid.uuid4()
    phases = {f"phase_{n}": {"records": n, "note": "x" * 400, "issues": list(range(50))} for n in range(6)}
    document = {"initial_data": {"password": "not a real one"}, "phases": phases}
    sealed, plain = list[float](), list[float]()
    for _ in range(count):
        began = time.perf_counter()
        site.core.state.open(scope, flow_id, site.core.state.seal(scope, flow_id, document))
        sealed.append(time.perf_counter() - began)
        began = time.perf_counter()
        json.loads(json.dumps(document, ensure_ascii=False).encode())
        plain.append(time.perf_counter() - began)
    return {"sealed": sealed, "plain": plain}
