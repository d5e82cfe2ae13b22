"""Phases that run again: iterations, rejected reviews, skipped phases, doubled jobs, retries."""

from __future__ import annotations

from datetime import date
from uuid import uuid4

import pytest

from flows.discovery.office import PHASES, Desk
from masterflow.errors import Conflict, NotFound, StaleVersion
from masterflow.orchestrator.requests import CreateFlow, ExecuteFlow, ExecutionOptions, FlowOptions

pytestmark = pytest.mark.asyncio(loop_scope="session")

FILE = "Name,CPU,Memory (GB),OS\nweb-01,4,16,Ubuntu 20.04\nweb-02,four,8,Ubuntu 20.04\n"


async def issue_rows(desk: Desk, import_id: object) -> list[tuple[str, int | None]]:
    page = await desk.inventory.list_issues(desk.scope, import_id, limit=200)
    return [(issue["code"], issue["place"]["row"]) for issue in page.items]


async def test_a_second_iteration_counts_every_record_once(desk):
    flow = await desk.discover(FILE)
    first = await desk.outputs(flow.flow_id)
    upload = await desk.import_of(flow.flow_id)
    found = await issue_rows(desk, upload.import_id)
    versions = {key: asset.version for key, asset in (await desk.assets()).items()}
    await desk.flows.iterate(desk.scope, flow.flow_id)
    flow = await desk.execute(flow.flow_id)
    assert flow.status == "waiting_for_approval"
    flow = await desk.approve(flow.flow_id)
    assert (flow.status, flow.iteration_number, flow.phases_completed) == ("completed", 2, list(PHASES))
    second = await desk.outputs(flow.flow_id)
    assert second["data_cleansing"]["records"] == first["data_cleansing"]["records"] == 2
    assert second["asset_inventory"] == first["asset_inventory"]
    assert second["tech_debt_assessment"] == first["tech_debt_assessment"]
    assert second["data_import"]["run_id"] != first["data_import"]["run_id"]
    assert await issue_rows(desk, upload.import_id) == found
    assert {key: asset.version for key, asset in (await desk.assets()).items()} == versions
    assert (await desk.counts())["raw"] == 4


async def test_the_findings_of_an_earlier_iteration_stay_until_the_next_cleansing(desk):
    flow = await desk.discover(FILE)
    upload = await desk.import_of(flow.flow_id)
    found = await issue_rows(desk, upload.import_id)
    assert ("number_unreadable", 3) in found
    await desk.flows.iterate(desk.scope, flow.flow_id)
    await desk.execute(flow.flow_id)
    assert await issue_rows(desk, upload.import_id) == found


async def test_an_iteration_can_map_in_another_way(desk):
    flow = await desk.discover(FILE)
    upload = await desk.import_of(flow.flow_id)
    await desk.flows.iterate(desk.scope, flow.flow_id)
    await desk.execute(flow.flow_id)
    rows = await desk.inventory.set_mappings(desk.scope, upload.import_id, {"OS": "description"})
    assert {row.column: row.target for row in rows}["OS"] == "description"
    await desk.approve(flow.flow_id)
    assets = await desk.assets()
    assert {asset.description for asset in assets.values()} == {"Ubuntu 20.04"}


async def test_a_rejected_mapping_is_suggested_again_without_doubling(desk):
    flow = await desk.started(FILE)
    await desk.flows.reject(desk.scope, flow.flow_id, "the owner column is missing")
    assert (await desk.shown(flow.flow_id)).waiting_for["message"] == "the owner column is missing"
    counts = await desk.counts()
    flow = await desk.execute(flow.flow_id, "field_mapping")
    assert flow.status == "waiting_for_approval"
    assert await desk.counts() == counts
    flow = await desk.approve(flow.flow_id)
    assert (await desk.outputs(flow.flow_id))["data_cleansing"]["records"] == 2


async def test_a_decision_survives_a_new_suggestion(desk):
    flow = await desk.started(FILE)
    upload = await desk.import_of(flow.flow_id)
    await desk.inventory.set_mappings(desk.scope, upload.import_id, {"CPU": None})
    flow = await desk.execute(flow.flow_id, "field_mapping", mappings={"OS": "description"}, approval=True)
    rows = await desk.inventory.get_mappings(desk.scope, upload.import_id)
    assert {row.column: row.target for row in rows} == {
        "Name": "name",
        "CPU": None,
        "Memory (GB)": "memory_gb",
        "OS": "description",
    }


async def test_dependency_analysis_can_be_skipped_and_the_rest_goes_on(desk):
    upload = await desk.upload(FILE)
    flow = await desk.create(upload.import_id)
    for phase in PHASES[:2]:
        await desk.execute(flow.flow_id, phase)
    await desk.approve(flow.flow_id)
    with pytest.raises(Conflict, match="data_cleansing"):
        await desk.flows.skip(desk.scope, flow.flow_id)
    for phase in PHASES[2:4]:
        await desk.execute(flow.flow_id, phase)
    await desk.flows.skip(desk.scope, flow.flow_id, reason="no relations in the file")
    flow = await desk.execute(flow.flow_id)
    assert flow.status == "completed"
    assert "dependency_analysis" not in await desk.outputs(flow.flow_id)
    assert (await desk.counts())["findings"] == 2


async def test_phases_are_known_by_their_older_names(desk):
    upload = await desk.upload(FILE)
    flow = await desk.create(upload.import_id)
    await desk.execute(flow.flow_id, "data_import")
    await desk.execute(flow.flow_id, "attribute_mapping")
    await desk.approve(flow.flow_id)
    for alias in ("data_cleaning", "assets", "dependencies", "tech_debt"):
        flow = await desk.execute(flow.flow_id, alias)
    assert (flow.status, flow.phases_completed) == ("completed", list(PHASES))


async def test_lifecycles_are_judged_at_the_stated_day(desk):
    upload = await desk.upload(FILE)
    data = {"import_file_id": str(upload.import_id), "as_of": "2022-01-01"}
    options = FlowOptions(auto_execute=True, notification_emails=["ada@example.com"])
    made = await desk.flows.create_flow(
        desk.scope, CreateFlow(flow_type="discovery", initial_data=data, options=options)
    )
    assert (await desk.work(made.flow_id)).status == "waiting_for_approval"
    flow = await desk.approve(made.flow_id)
    assert flow.status == "completed"
    assert flow.options["notification_emails"] == ["ada@example.com"]
    page = await desk.inventory.list_tech_debt(desk.scope)
    assert {(f.state, f.assessed_on) for f in page.items} == {("supported", date(2022, 1, 1))}


async def test_a_later_day_judges_otherwise(desk):
    upload = await desk.upload(FILE)
    flow = await desk.create(upload.import_id)
    for phase in PHASES[:2]:
        await desk.execute(flow.flow_id, phase)
    await desk.approve(flow.flow_id)
    for phase in PHASES[2:5]:
        await desk.execute(flow.flow_id, phase)
    flow = await desk.execute(flow.flow_id, PHASES[5], as_of="2026-08-22")
    page = await desk.inventory.list_tech_debt(desk.scope)
    assert {(f.state, f.end_of_life) for f in page.items} == {("end_of_life", date(2025, 5, 31))}


async def test_a_job_that_comes_twice_changes_nothing(desk):
    upload = await desk.upload(FILE)
    flow = await desk.create(upload.import_id, auto=True)
    ((first, job_id),) = await desk.take(flow.flow_id)
    await desk.executor.run(first, job_id)
    before = (await desk.shown(flow.flow_id), await desk.counts())
    await desk.executor.run(first, job_id)
    assert (await desk.shown(flow.flow_id), await desk.counts()) == before
    flow = await desk.work(flow.flow_id)
    after = (flow, await desk.counts())
    await desk.executor.run(first, job_id)
    assert (await desk.shown(flow.flow_id), await desk.counts()) == after


async def test_a_stale_version_moves_nothing(desk):
    flow = await desk.started(FILE)
    with pytest.raises(StaleVersion):
        await desk.flows.approve(desk.scope, flow.flow_id, version=flow.version - 1)
    assert (await desk.shown(flow.flow_id)).status == "waiting_for_approval"


async def test_a_flow_of_another_tenant_is_not_found(desk, other_desk):
    flow = await other_desk.started(FILE)
    with pytest.raises(NotFound):
        await desk.flows.approve(desk.scope, flow.flow_id)


async def test_an_upload_that_went_missing_is_reported(desk):
    """The validators look first; without them the step itself finds out."""
    upload = await desk.upload(FILE)
    flow = await desk.create(uuid4())
    await desk.flows.execute_phase(desk.scope, flow.flow_id, _unchecked(import_file_id=str(uuid4())))
    flow = await desk.work(flow.flow_id)
    assert flow.status == "failed"
    flow = await desk.execute(flow.flow_id, "data_import", import_file_id=str(upload.import_id))
    assert flow.status == "ready"


def _unchecked(**inputs: str) -> ExecuteFlow:
    return ExecuteFlow(inputs=inputs, options=ExecutionOptions(validate_inputs=False))
