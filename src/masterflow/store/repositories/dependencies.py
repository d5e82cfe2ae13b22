"""Dependencies between assets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from psycopg import sql
from sqlalchemy import select

from masterflow.domain.dependencies import Edge
from masterflow.errors import InvalidInput
from masterflow.store.bulk import CHUNK, listed, staged, temporary
from masterflow.store.repositories.base import Repository, check_limit
from masterflow.store.tables import AssetDependency

LARGEST_DEPTH = 5
_KEY = ("source_asset_id", "target_asset_id", "kind", "port", "protocol")
_CONTENT = ("confidence", "evidence", "record_ids", "flow_id")
_COLUMNS = ("id", *_KEY, *_CONTENT)
_UPSERT = sql.SQL(
    """insert into app.asset_dependencies as d ({columns}) select {given} from {staged} s
    left join app.asset_dependencies e using ({key}) order by e.id, {key}
    on conflict (client_account_id, engagement_id, {key}) do update set ({content}) = row({excluded})
        where row({present})::record operator(pg_catalog.*<>) row({excluded})::record
    returning d.id"""
).format(
    columns=listed(_COLUMNS),
    given=sql.SQL("s.id, ") + listed(_KEY) + sql.SQL(", ") + listed(_CONTENT, "s."),
    staged=temporary(AssetDependency),
    key=listed(_KEY),
    content=listed(_CONTENT),
    excluded=listed(_CONTENT, "excluded."),
    present=listed(_CONTENT, "d."),
)
_AROUND = """
    with recursive reached (asset_id, depth) as (
        select %(asset)s::uuid, 0
        union
        select next.asset_id, r.depth + 1 from reached r cross join lateral (
            select target_asset_id as asset_id from app.asset_dependencies where source_asset_id = r.asset_id
            union all
            select source_asset_id from app.asset_dependencies where target_asset_id = r.asset_id) next
        where r.depth < %(depth)s - 1)
    select distinct d.id from (select distinct asset_id from reached) n cross join lateral (
        select id from app.asset_dependencies where source_asset_id = n.asset_id
        union all
        select id from app.asset_dependencies where target_asset_id = n.asset_id) d"""


class Dependencies(Repository):
    """Edges between assets; writes need an open change set."""

    async def upsert_edges(self, edges: Iterable[Edge], *, flow_id: UUID | None = None) -> int:
        """Insert or update edges by (source, target, kind, port, protocol); how many were written.

        `Edge.source` and `target` are asset ids as text. Of edges with the same key the one with the
        highest confidence counts.
        """
        best: dict[tuple[Any, ...], Edge] = {}
        for edge in sorted(edges, key=lambda edge: edge.confidence):
            best[edge.source, edge.target, edge.kind, edge.port or 0, edge.protocol] = edge
        rows = [self._row(edge, flow_id) for edge in best.values()]
        written = 0
        for start in range(0, len(rows), CHUNK):
            async with staged(self._session, AssetDependency, _COLUMNS, rows[start : start + CHUNK]) as connection:
                written += (await connection.execute(_UPSERT)).rowcount
        return written

    async def of_asset(self, asset_id: UUID, *, depth: int = 1) -> list[AssetDependency]:
        """Edges at the asset in either direction; `depth` 2 adds those of its neighbours, and so on.

        Raises:
            InvalidInput: depth outside 1..5.
        """
        if not 1 <= depth <= LARGEST_DEPTH:
            raise InvalidInput(f"a depth is 1 to {LARGEST_DEPTH}", where={"field": "depth", "value": depth})
        rows = await self._rows(_AROUND, {"asset": asset_id, "depth": depth})
        found = select(AssetDependency).where(AssetDependency.id.in_([row["id"] for row in rows]))
        return await self._all(found.order_by(AssetDependency.id))

    async def page(
        self, *, kind: str | None = None, limit: int = 50, after: UUID | None = None
    ) -> list[AssetDependency]:
        """Edges by id; `after` is the id of the last one seen."""
        found = select(AssetDependency)
        if kind is not None:
            found = found.where(AssetDependency.kind == kind)
        if after is not None:
            found = found.where(AssetDependency.id > after)
        return await self._all(found.order_by(AssetDependency.id).limit(check_limit(limit)))

    async def triples(self) -> list[tuple[UUID, UUID, str]]:
        """Every edge as (source asset, target asset, kind), sorted."""
        columns = (AssetDependency.source_asset_id, AssetDependency.target_asset_id, AssetDependency.kind)
        rows = await self._session.execute(select(*columns).distinct().order_by(*columns))
        return [(source, target, kind) for source, target, kind in rows]

    def _row(self, edge: Edge, flow_id: UUID | None) -> tuple[Any, ...]:
        key = (UUID(edge.source), UUID(edge.target), edge.kind, edge.port or 0, edge.protocol)
        return (self._new_id(), *key, edge.confidence, edge.evidence, edge.record_ids, flow_id)
