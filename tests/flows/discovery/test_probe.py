import cProfile, pstats, time, threading
import pytest
from flows.discovery.office import workbook
pytestmark = pytest.mark.asyncio(loop_scope="session")
async def test_probe(desk):
    await desk.discover("Name,CPU\na,2\n")
    p=cProfile.Profile(); p.enable(); t=time.time(); c=time.process_time()
    flow = await desk.discover(workbook(), "rv.xlsx")
    p.disable()
    print(flow.status, "wall", time.time()-t, "cpu", time.process_time()-c)
    pstats.Stats(p).sort_stats("cumtime").print_stats(70)
    pstats.Stats(p).sort_stats("tottime").print_stats(35)
