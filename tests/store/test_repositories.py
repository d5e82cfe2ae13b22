"""Flows, runs, events, audit rows, stored bytes and answers, read and written on the real server."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from sqlalchemy.exc import InvalidRequestError

from masterflow.errors import Conflict, InvalidInput, NotFound
from masterflow.store.repositories.audit import AuditedAction, AuditFilter
from masterflow.store.repositories.blobs import CHUNK_BYTES
from masterflow.store.repositories.flows import FlowCount, FlowFilter
from masterflow.store.repositories.idempotency import StoredResponse
from masterflow.store.repositories.runs import PhaseStatistics
from masterflow.store.sealing import SealBroken
from masterflow.store.tables import RunStep
from support.rows import new_flow, new_run, packed, reading, writing

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
FAR_AHEAD = datetime(2100, 1, 1, tzinfo=UTC)


async def test_a_flow_is_read_with_its_state(database, scope):
    flow_id = await new_flow(database, scope, name="Estate")
    async with reading(database, scope) as repositories:
        flow = await repositories.flows.get(flow_id)
        assert (flow.flow_name, flow.flow_status, flow.version, flow.flow_state) == (
            "Estate",
            "initialized",
            1,
            packed({"a": 1}),
        )
        assert await repositories.flows.get(uuid4()) is None


async def test_a_listed_flow_does_not_load_its_state(database, scope):
    await new_flow(database, scope)
    async with reading(database, scope) as repositories:
        (flow,) = await repositories.flows.page()
        with pytest.raises(InvalidRequestError):
            _ = flow.flow_state


async def test_pages_of_flows_show_each_flow_once_newest_first(database, scope):
    made = [await new_flow(database, scope, name=f"flow {number}") for number in range(7)]
    seen, after = [], None
    async with reading(database, scope) as repositories:
        while page := await repositories.flows.page(limit=3, after=after):
            seen += [flow.flow_id for flow in page]
            after = (page[-1].created_at, page[-1].flow_id)
    assert seen == made[::-1]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (FlowFilter(), {"Alpha 50%", "beta", "gone"} - {"gone"}),
        (FlowFilter(include_deleted=True), {"Alpha 50%", "beta", "gone"}),
        (FlowFilter(statuses=("deleted",), include_deleted=True), {"gone"}),
        (FlowFilter(flow_types=("finops",)), {"beta"}),
        (FlowFilter(phase="data_import"), {"Alpha 50%", "beta"}),
        (FlowFilter(phase="other"), set()),
        (FlowFilter(created_after=LONG_AGO, created_before=FAR_AHEAD), {"Alpha 50%", "beta"}),
        (FlowFilter(created_before=LONG_AGO), set()),
        (FlowFilter(name_contains="ALPHA 50%"), {"Alpha 50%"}),
        (FlowFilter(name_contains="a%0"), set()),
    ],
)
async def test_a_filter_restricts_a_page_of_flows(database, scope, admin, wanted, names):
    await new_flow(database, scope, name="Alpha 50%")
    await new_flow(database, scope, name="beta", kind="finops")
    gone = await new_flow(database, scope, name="gone")
    admin.execute(
        "update app.crewai_flow_state_extensions set flow_status = 'deleted', version = 2 where flow_id = %s", (gone,)
    )
    async with reading(database, scope) as repositories:
        assert {flow.flow_name for flow in await repositories.flows.page(wanted)} == names
        assert {flow.flow_name for flow in await repositories.flows.active()} == {"Alpha 50%", "beta"}
        assert await repositories.flows.counts() == [
            FlowCount("discovery", "deleted", 1),
            FlowCount("discovery", "initialized", 1),
            FlowCount("finops", "initialized", 1),
        ]


@pytest.mark.parametrize("limit", [0, 201, -1])
async def test_a_page_size_outside_the_limits_is_refused(database, scope, limit):
    async with reading(database, scope) as repositories:
        with pytest.raises(InvalidInput):
            await repositories.flows.page(limit=limit)


async def test_the_record_of_a_flow_aggregates_its_runs(database, scope):
    flow_id = await new_flow(database, scope)
    async with writing(database, scope) as repositories:
        await new_run(repositories, flow_id, outputs=packed({"rows": 3}), finished_at=FAR_AHEAD)
    async with reading(database, scope) as repositories:
        record = await repositories.flows.record(flow_id)
        assert await repositories.flows.record(uuid4()) is None
    assert record["phase_results"] == {"data_import": {"rows": 3}}
    assert record["flow_persistence_data"] == {"a": 1}


async def test_runs_of_a_flow_are_listed_oldest_first_without_documents(database, scope):
    flow_id = await new_flow(database, scope)
    async with writing(database, scope) as repositories:
        made = [await new_run(repositories, flow_id, status="failed") for _ in range(3)]
    async with reading(database, scope) as repositories:
        runs = await repositories.runs.of_flow(flow_id)
        assert [run.id for run in runs] == made
        with pytest.raises(InvalidRequestError):
            _ = runs[0].inputs
    async with reading(database, scope) as repositories:
        assert (await repositories.runs.get(made[0])).inputs == packed({})
        assert await repositories.runs.get(uuid4()) is None


async def test_outputs_are_those_of_succeeded_runs_of_the_current_iteration(database, scope):
    flow_id = await new_flow(database, scope)
    async with writing(database, scope) as repositories:
        await new_run(repositories, flow_id, outputs=b"Jold", status="superseded")
        await new_run(repositories, flow_id, outputs=b"Jnew")
        await new_run(repositories, flow_id, outputs=b"Jnext", iteration=2)
        await new_run(repositories, flow_id, outputs=b"Jfailed", phase="field_mapping", status="failed")
        await new_run(repositories, flow_id, phase="data_cleansing")
    async with reading(database, scope) as repositories:
        assert await repositories.runs.outputs(flow_id) == {"data_import": b"Jnew"}


async def test_steps_and_checkpoints_are_read_in_order(database, scope, admin):
    flow_id = await new_flow(database, scope)
    async with writing(database, scope) as repositories:
        run_id = await new_run(repositories, flow_id)
        repositories.session.add_all(RunStep(run_id=run_id, step=n, handler=f"h{n}", outputs=b"J{}") for n in (2, 1))
    admin.execute(
        "insert into app.checkpoints (client_account_id, engagement_id, flow_id, run_id, phase, kind, state, digest,"
        " phases_completed) values (%s, %s, %s, %s, 'data_import', 'before', '', '', '[]')",
        (scope.client_account_id, scope.engagement_id, flow_id, run_id),
    )
    async with reading(database, scope) as repositories:
        assert [step.handler for step in await repositories.runs.steps(run_id)] == ["h1", "h2"]
        assert [point.kind for point in await repositories.runs.checkpoints(flow_id)] == ["before"]


async def test_statistics_of_runs_are_computed_over_the_time_range(database, scope):
    flow_id = await new_flow(database, scope)
    end = datetime(2026, 5, 1, tzinfo=UTC)
    async with writing(database, scope) as repositories:
        for status, time, finished in [
            ("succeeded", 100, end),
            ("superseded", 200, end),
            ("superseded", 300, end),
            ("failed", None, end),
            ("superseded", 9000, end + timedelta(days=1)),
            ("cancelled", 9000, end),
        ]:
            await new_run(repositories, flow_id, status=status, execution_time_ms=time, finished_at=finished)
    async with reading(database, scope) as repositories:
        found = await repositories.runs.statistics(since=end, until=end + timedelta(days=1))
        assert await repositories.runs.statistics(since=LONG_AGO, until=end) == []
    assert found == [PhaseStatistics("discovery", "data_import", 4, 3, 1, 200.0, 200.0, pytest.approx(290.0))]
    assert found[0].success_share == 0.75


async def test_events_after_a_number_come_in_order(database, scope):
    flow_id = await new_flow(database, scope)
    async with reading(database, scope) as repositories:
        assert [(event.seq, event.kind) for event in await repositories.events.after(flow_id)] == [(1, "flow_created")]
        assert await repositories.events.after(flow_id, 1) == []


async def test_an_audited_action_carries_the_scope_and_is_found_by_each_filter(database, scope):
    action = AuditedAction("import.create", "import", "i-1", "denied", "no permission")
    async with writing(database, scope) as repositories:
        await repositories.audit.add(action, {"file": "a.xlsx"})
        await repositories.audit.add(AuditedAction("key.create", "key", None, "success"))
    matching = [
        AuditFilter(user_id="ada", action_type="import.create"),
        AuditFilter(resource_type="import", resource_id="i-1"),
        AuditFilter(result="denied", since=LONG_AGO, until=FAR_AHEAD),
    ]
    async with reading(database, scope) as repositories:
        for wanted in matching:
            (entry,) = await repositories.audit.page(wanted)
            assert (entry.user_id, entry.ip_address, entry.reason) == ("ada", "192.0.2.1", "no permission")
            assert (entry.details, entry.request_id) == ({"file": "a.xlsx"}, scope.request_id)
        assert await repositories.audit.page(AuditFilter(user_id="eve")) == []


async def test_pages_of_the_audit_log_show_each_entry_once(database, scope):
    async with writing(database, scope) as repositories:
        for number in range(5):
            await repositories.audit.add(AuditedAction("look", "asset", str(number), "success"))
    seen, after = [], None
    async with reading(database, scope) as repositories:
        while page := await repositories.audit.page(limit=2, after=after):
            seen += [entry.resource_id for entry in page]
            after = (page[-1].created_at, page[-1].id)
    assert seen == ["4", "3", "2", "1", "0"]


async def pieces(content: bytes, size: int) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES, CHUNK_BYTES + 1, 5 * CHUNK_BYTES + 17])
async def test_stored_bytes_are_read_back_in_chunks_of_one_mebibyte(database, scope, size):
    content = hashlib.sha256(b"seed").digest() * (size // 32 + 1)
    content = content[:size]
    async with writing(database, scope) as repositories:
        blob, is_new = await repositories.blobs.add(pieces(content, 300_000), "text/csv")
        assert (is_new, blob.size, blob.sha256, blob.created_by) == (
            True,
            size,
            hashlib.sha256(content).digest(),
            "ada",
        )
    async with reading(database, scope) as repositories:
        assert await repositories.blobs.read(blob.id) == content
        lengths = [len(chunk) async for chunk in repositories.blobs.chunks(blob.id)]
    assert lengths == [CHUNK_BYTES] * (size // CHUNK_BYTES) + ([size % CHUNK_BYTES] if size % CHUNK_BYTES else [])


async def test_the_same_content_is_stored_once_per_engagement(database, scope, other_scope):
    async with writing(database, scope) as repositories:
        first, _ = await repositories.blobs.add(b"rows", "text/csv")
        again, is_new = await repositories.blobs.add(pieces(b"rows", 1), "text/plain")
        assert (again.id, is_new) == (first.id, False)
        assert (await repositories.blobs.by_digest(hashlib.sha256(b"rows").digest())).id == first.id
    async with writing(database, other_scope) as repositories:
        other, is_new = await repositories.blobs.add(b"rows", "text/csv")
        assert is_new
        assert other.id != first.id


async def test_the_same_content_stored_at_once_is_stored_once(database, scope):
    async def store() -> tuple[object, bool]:
        async with writing(database, scope) as repositories:
            blob, is_new = await repositories.blobs.add(b"rows", "text/csv")
            return blob.id, is_new

    results = await asyncio.gather(*(store() for _ in range(4)))
    assert len({blob_id for blob_id, _ in results}) == 1
    assert sum(is_new for _, is_new in results) == 1


async def test_altered_bytes_are_not_handed_out_as_sound(database, scope, admin):
    async with writing(database, scope) as repositories:
        blob, _ = await repositories.blobs.add(b"rows", "text/csv")
    admin.execute("set session_replication_role = replica")
    admin.execute("update app.blob_chunks set content = 'Rows' where blob_id = %s", (blob.id,))
    async with reading(database, scope) as repositories:
        with pytest.raises(SealBroken):
            await repositories.blobs.read(blob.id)


async def test_an_unknown_blob_is_not_found(database, scope):
    async with reading(database, scope) as repositories:
        with pytest.raises(NotFound):
            await repositories.blobs.read(uuid4())


async def test_a_repeated_request_gets_its_first_answer(database, scope):
    async with writing(database, scope) as repositories:
        assert await repositories.idempotency.claim("ada", "k1", b"f") is None
        await repositories.idempotency.store("ada", "k1", StoredResponse(201, {"id": 1}))
    async with writing(database, scope) as repositories:
        assert await repositories.idempotency.claim("ada", "k1", b"f") == StoredResponse(201, {"id": 1})
        assert await repositories.idempotency.claim("bob", "k1", b"f") is None


async def test_of_equal_requests_at_once_one_is_carried_out(database, scope):
    async def request() -> StoredResponse | None:
        async with writing(database, scope) as repositories:
            known = await repositories.idempotency.claim("ada", "k1", b"f")
            if known is None:
                await repositories.idempotency.store("ada", "k1", StoredResponse(201, {"id": 1}))
            return known

    answers = await asyncio.gather(*(request() for _ in range(5)))
    assert sorted(answer is None for answer in answers) == [False] * 4 + [True]
    assert [answer for answer in answers if answer] == [StoredResponse(201, {"id": 1})] * 4


async def test_a_key_used_for_another_request_is_refused(database, scope):
    async with writing(database, scope) as repositories:
        await repositories.idempotency.claim("ada", "k1", b"f")
        with pytest.raises(InvalidInput):
            await repositories.idempotency.claim("ada", "k1", b"g")
        with pytest.raises(Conflict):
            await repositories.idempotency.claim("ada", "k1", b"f")


async def test_a_key_is_free_again_after_a_day(database, scope, admin):
    async with writing(database, scope) as repositories:
        await repositories.idempotency.claim("ada", "k1", b"f")
        await repositories.idempotency.store("ada", "k1", StoredResponse(200, None))
    admin.execute("update app.idempotency_keys set created_at = created_at - interval '25 hours'")
    async with writing(database, scope) as repositories:
        assert await repositories.idempotency.claim("ada", "k1", b"g") is None
