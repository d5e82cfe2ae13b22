"""One transaction for a whole request: kept with its answer, or rolled back with everything."""

from __future__ import annotations

import asyncio

import pytest

from masterflow.errors import Conflict, IllegalTransition, InvalidInput, NotPermitted, Unavailable
from masterflow.orchestrator.requests import CreateFlow, ExecuteFlow
from masterflow.orchestrator.transaction import Answered, Commands, RequestKey, RequestTransaction

KEY = RequestKey("order-1", b"first")


@pytest.fixture
def transactions(access) -> RequestTransaction:
    """Transactions over the role of requests."""
    return RequestTransaction(access)


def creating(scope, *, fails: Exception | None = None):
    """An action that creates a flow, and then fails when told to."""

    async def action(commands: Commands) -> Answered:
        made = await commands.orchestrator.create_flow(scope, CreateFlow(flow_type="toy"))
        if fails is not None:
            raise fails
        return Answered(201, {"flow_id": str(made.flow_id)})

    return action


async def count(queries, scope) -> int:
    """Flows of the engagement."""
    return len(await queries.get_active_flows(scope))


async def test_an_action_with_a_key_happens_once(transactions, queries, scope):
    answers = [await transactions.once(scope, "flow:create", KEY, creating(scope)) for _ in range(3)]
    assert [answer.replayed for answer in answers] == [False, True, True]
    assert len({answer.body["flow_id"] for answer in answers}) == 1
    assert await count(queries, scope) == 1


async def test_an_action_that_fails_leaves_neither_effect_nor_key(transactions, queries, scope):
    for error in (Conflict("no"), RuntimeError("broken"), Unavailable("away")):
        with pytest.raises(type(error)):
            await transactions.once(scope, "flow:create", KEY, creating(scope, fails=error))
    assert await count(queries, scope) == 0
    assert not (await transactions.once(scope, "flow:create", KEY, creating(scope))).replayed


async def test_the_same_key_of_another_request_is_refused(transactions, queries, scope):
    await transactions.once(scope, "flow:create", KEY, creating(scope))
    with pytest.raises(InvalidInput, match="another request"):
        await transactions.once(scope, "flow:create", RequestKey("order-1", b"second"), creating(scope))
    assert await count(queries, scope) == 1


async def test_keys_of_two_tenants_do_not_meet(transactions, scope, other_scope):
    first = await transactions.once(scope, "flow:create", KEY, creating(scope))
    second = await transactions.once(other_scope, "flow:create", KEY, creating(other_scope))
    assert not second.replayed
    assert first.body != second.body


async def test_a_second_request_waits_for_the_first_and_gets_its_answer(transactions, queries, scope):
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(commands: Commands) -> Answered:
        entered.set()
        await go_on.wait()
        return await creating(scope)(commands)

    first = asyncio.create_task(transactions.once(scope, "flow:create", KEY, slow))
    await entered.wait()
    second = asyncio.create_task(transactions.once(scope, "flow:create", KEY, creating(scope)))
    await asyncio.sleep(0)
    go_on.set()
    answers = await asyncio.gather(first, second)
    assert [answer.replayed for answer in answers] == [False, True]
    assert await count(queries, scope) == 1


async def test_a_rehearsal_answers_and_leaves_nothing(transactions, queries, scope, admin):
    answer = await transactions.rehearse(scope, "flow:create", creating(scope))
    assert answer.status == 201
    assert await count(queries, scope) == 0
    jobs = admin.execute(
        "select count(*) from app.access_audit_log where client_account_id = %s", (scope.client_account_id,)
    ).fetchone()
    assert jobs == (0,)


async def test_a_rehearsal_sees_what_it_did_before(transactions, queries, scope):
    async def twice(commands: Commands) -> Answered:
        made = await commands.orchestrator.create_flow(scope, CreateFlow(flow_type="toy"))
        paused = await commands.orchestrator.pause(scope, made.flow_id)
        with pytest.raises(IllegalTransition):
            await commands.orchestrator.pause(scope, made.flow_id)
        return Answered(200, paused.flow.status)

    assert (await transactions.rehearse(scope, "flow:create", twice)).body == "paused"
    assert await count(queries, scope) == 0


async def test_a_rehearsed_edit_of_the_inventory_leaves_no_change_set(transactions, scope, admin):
    async def upload(commands: Commands) -> Answered:
        async def content():
            yield b"Name\nweb-1\n"

        made = await commands.inventory.upload(
            scope, file_name="a.csv", media_type="text/csv", content=content(), max_bytes=1000
        )
        return Answered(201, made.size)

    assert (await transactions.rehearse(scope, "import:create", upload)).body == 11
    kept = RequestKey("file-1", b"x")
    assert (await transactions.once(scope, "import:create", kept, upload)).body == 11
    rows = admin.execute(
        "select status from app.change_sets where client_account_id = %s", (scope.client_account_id,)
    ).fetchall()
    assert rows == [("sealed",)]


async def test_without_the_permission_nothing_is_claimed_and_the_refusal_is_recorded(transactions, make_scope, admin):
    viewer = make_scope("viewer")
    for run in (
        transactions.once(viewer, "flow:create", KEY, creating(viewer)),
        transactions.rehearse(viewer, "flow:create", creating(viewer)),
    ):
        with pytest.raises(NotPermitted):
            await run
    rows = admin.execute(
        "select result from app.access_audit_log where client_account_id = %s", (viewer.client_account_id,)
    ).fetchall()
    assert rows == [("denied",), ("denied",)]


async def test_a_refusal_inside_a_transaction_that_is_rolled_back_is_recorded_all_the_same(
    transactions, orchestrator, make_scope, admin
):
    analyst = make_scope("analyst")
    flow = await orchestrator.create_flow(analyst, CreateFlow(flow_type="toy", initial_data={"names": ["a"]}))

    async def accepting(commands: Commands) -> Answered:
        await commands.orchestrator.execute_phase(analyst, flow.flow_id, ExecuteFlow(inputs={"approval": True}))
        return Answered(202, None)

    with pytest.raises((NotPermitted, IllegalTransition)):
        await transactions.once(analyst, "flow:execute", KEY, accepting)
    rows = admin.execute(
        "select action_type from app.access_audit_log where client_account_id = %s and result = 'denied'",
        (analyst.client_account_id,),
    ).fetchall()
    assert rows == [("approve",)]
