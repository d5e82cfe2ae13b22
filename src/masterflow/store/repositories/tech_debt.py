"""The support state of what runs on assets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from psycopg import sql
from sqlalchemy import ColumnElement, func, select

from masterflow.domain.tech_debt import LifecycleFinding
from masterflow.errors import InvalidInput
from masterflow.store.bulk import CHUNK, listed, staged, temporary
from masterflow.store.repositories.base import Repository, check_limit, repeated, restrictions
from masterflow.store.tables import AssetTechDebt

_KEY = ("asset_id", "subject")
_CONTENT = (
    *("found_text", "product", "cycle", "state", "severity", "end_of_life", "extended_end", "days_left", "reasons"),
    *("assessed_on", "catalog_as_of", "flow_id"),
)
_COLUMNS = ("id", *_KEY, *_CONTENT)
_UPSERT = sql.SQL(
    """insert into app.asset_tech_debt as d ({columns}) select {given} from {staged} s
    left join app.asset_tech_debt e using ({key}) order by e.id, {key}
    on conflict (client_account_id, engagement_id, {key}) do update set ({content}) = row({excluded})
        where row({present})::record operator(pg_catalog.*<>) row({excluded})::record"""
).format(
    columns=listed(_COLUMNS),
    given=sql.SQL("s.id, ") + listed(_KEY) + sql.SQL(", ") + listed(_CONTENT, "s."),
    staged=temporary(AssetTechDebt),
    key=listed(_KEY),
    content=listed(_CONTENT),
    excluded=listed(_CONTENT, "excluded."),
    present=listed(_CONTENT, "d."),
)


@dataclass(frozen=True, slots=True)
class DebtFilter:
    """Which findings a page shows; None does not restrict."""

    state: str | None = None
    severity: str | None = None
    product: str | None = None
    subject: str | None = None
    flow_id: UUID | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """The filter as SQL conditions."""
        return restrictions(
            (self.state, lambda value: AssetTechDebt.state == value),
            (self.severity, lambda value: AssetTechDebt.severity == value),
            (self.product, lambda value: AssetTechDebt.product == value),
            (self.subject, lambda value: AssetTechDebt.subject == value),
            (self.flow_id, lambda value: AssetTechDebt.flow_id == value),
        )


EVERY_FINDING = DebtFilter()


class TechDebt(Repository):
    """Findings about support; writes need an open change set."""

    async def upsert_findings(
        self, findings: Iterable[tuple[UUID, LifecycleFinding]], *, assessed_on: date, flow_id: UUID | None = None
    ) -> int:
        """Store findings, each with its asset's id, by (asset, subject); how many were written.

        Raises:
            InvalidInput: an asset has two findings for one subject.
        """
        rows = [self._row(asset_id, finding, assessed_on, flow_id) for asset_id, finding in findings]
        twice = repeated((row[1], row[2]) for row in rows)
        if twice is not None:
            raise InvalidInput(
                "an asset has two findings for one subject", where={"asset_id": str(twice[0]), "subject": twice[1]}
            )
        written = 0
        for start in range(0, len(rows), CHUNK):
            async with staged(self._session, AssetTechDebt, _COLUMNS, rows[start : start + CHUNK]) as connection:
                written += (await connection.execute(_UPSERT)).rowcount
        return written

    async def of_asset(self, asset_id: UUID) -> list[AssetTechDebt]:
        """Findings of an asset by subject."""
        found = select(AssetTechDebt).where(AssetTechDebt.asset_id == asset_id)
        return await self._all(found.order_by(AssetTechDebt.subject))

    async def page(
        self, wanted: DebtFilter = EVERY_FINDING, *, limit: int = 50, after: UUID | None = None
    ) -> list[AssetTechDebt]:
        """Findings by id; `after` is the id of the last one seen."""
        found = select(AssetTechDebt).where(*wanted.conditions())
        if after is not None:
            found = found.where(AssetTechDebt.id > after)
        return await self._all(found.order_by(AssetTechDebt.id).limit(check_limit(limit)))

    async def by_state(self, *, subject: str | None = None) -> dict[str, int]:
        """Findings counted by support state, of one subject or of all."""
        conditions = DebtFilter(subject=subject).conditions()
        counted = select(AssetTechDebt.state, func.count()).where(*conditions).group_by(AssetTechDebt.state)
        rows = await self._session.execute(counted.order_by(AssetTechDebt.state))
        return {row[0]: row[1] for row in rows}

    def _row(
        self, asset_id: UUID, finding: LifecycleFinding, assessed_on: date, flow_id: UUID | None
    ) -> tuple[Any, ...]:
        return (
            *(self._new_id(), asset_id, finding.subject, finding.text, finding.product, finding.cycle),
            *(finding.state, finding.severity, finding.end_of_life, finding.extended_end, finding.days_left),
            *(finding.reasons, assessed_on, finding.catalog_as_of, flow_id),
        )
