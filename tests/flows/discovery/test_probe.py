import time
import pytest
from flows.discovery.office import workbook
pytestmark = pytest.mark.asyncio(loop_scope="session")

async def test_probe(desk):
    for n in range(3):
        t=time.time()
        flow = await desk.discover(workbook(), "rv.xlsx")
        print(flow.status, flow.current_phase, flow.waiting_for, time.time()-t)
        async with desk.access.read(desk.scope) as r:
            for run in await r.runs.of_flow(flow.flow_id):
                print(run.phase, run.status, run.execution_time_ms, run.error, run.resource_usage)
        print(await desk.counts())
    c = await desk.discover("Name,CPU,Memory (GB),OS\na,2,8,Windows Server 2012\nb,3,4,Foo OS\n")
    print(c)
