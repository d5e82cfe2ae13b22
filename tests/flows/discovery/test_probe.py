import time, pickle, gc
import pytest
from uuid import UUID
from flows.discovery.office import workbook
from masterflow.flows.discovery import rules
from masterflow.flows.discovery.drafts import _same
pytestmark = pytest.mark.asyncio(loop_scope="session")

async def test_probe(desk):
    flow = await desk.discover(workbook(), "rv.xlsx")
    out = await desk.outputs(flow.flow_id)
    i, r_ = UUID(out["data_import"]["import_id"]), UUID(out["data_cleansing"]["run_id"])
    for n in range(4):
      async with desk.access.read(desk.scope) as r:
        t=time.perf_counter(); c=time.process_time()
        records=[]
        async for part in r.records.cleansed(i, run_id=r_):
            records += [row.record for row in part]
        print("read", time.perf_counter()-t, time.process_time()-c)
        t=time.perf_counter(); c=time.process_time()
        rows = await r.assets._rows("select id, raw_record_id, sheet, row_number, role::text, values::text from app.current_cleansed_records where import_id=%s and change_set_id=%s order by sheet, row_number, id", (i, r_))
        print("read text", time.perf_counter()-t, time.process_time()-c, len(rows))
        if n==0:
            for l in await r.assets._rows("explain analyze select id, raw_record_id, sheet, row_number, role::text, values::text from app.current_cleansed_records where import_id=%s and change_set_id=%s order by sheet, row_number, id", (i, r_)): print(l["QUERY PLAN"])
      t=time.perf_counter(); p=pickle.dumps(records); print("dumps", time.perf_counter()-t, len(p))
      t=time.perf_counter(); x=pickle.loads(p); print("loads", time.perf_counter()-t)
      gc.disable()
      t=time.perf_counter(); x=pickle.loads(p); print("loads nogc", time.perf_counter()-t)
      gc.enable()
      t=time.perf_counter(); b=rules.inventory_rows(records,"x"); print("build", time.perf_counter()-t)
      t=time.perf_counter(); p=pickle.dumps(b); print("dumps b", time.perf_counter()-t, len(p))
      t=time.perf_counter(); x=pickle.loads(p); print("loads b", time.perf_counter()-t)
    before = await desk.assets()
    flow = await desk.discover(workbook(), "rv.xlsx")
    after = await desk.assets()
    for k,a in after.items():
        if a.version!=1:
            print(k, a.version)
            row = next(r for r in b.rows if r["natural_key"]==k)
            for n,v in row.items():
                if not _same(n, v, getattr(before[k], n)): print(n, str(v)[:300], str(getattr(before[k], n))[:300])
