"""The repositories of one session: what a handler or the orchestrator reads and writes rows with."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from masterflow.kernel.permission import Scope
from masterflow.store.repositories.assets import Assets
from masterflow.store.repositories.audit import Audit
from masterflow.store.repositories.blobs import Blobs
from masterflow.store.repositories.changes import Changes
from masterflow.store.repositories.dependencies import Dependencies
from masterflow.store.repositories.events import Events
from masterflow.store.repositories.flows import Flows
from masterflow.store.repositories.idempotency import Idempotency
from masterflow.store.repositories.imports import Imports
from masterflow.store.repositories.mappings import Mappings
from masterflow.store.repositories.records import Records
from masterflow.store.repositories.runs import Runs
from masterflow.store.repositories.tech_debt import TechDebt

__all__ = ["Repositories"]


class Repositories:
    """Every repository over one session; `new_id` makes the ids of new rows."""

    def __init__(self, session: AsyncSession, *, scope: Scope, new_id: Callable[[], UUID]) -> None:
        self.session = session
        self.scope = scope
        self.flows = Flows(session, scope=scope, new_id=new_id)
        self.runs = Runs(session, scope=scope, new_id=new_id)
        self.events = Events(session, scope=scope, new_id=new_id)
        self.audit = Audit(session, scope=scope, new_id=new_id)
        self.imports = Imports(session, scope=scope, new_id=new_id)
        self.records = Records(session, scope=scope, new_id=new_id)
        self.mappings = Mappings(session, scope=scope, new_id=new_id)
        self.assets = Assets(session, scope=scope, new_id=new_id)
        self.dependencies = Dependencies(session, scope=scope, new_id=new_id)
        self.tech_debt = TechDebt(session, scope=scope, new_id=new_id)
        self.blobs = Blobs(session, scope=scope, new_id=new_id)
        self.idempotency = Idempotency(session, scope=scope, new_id=new_id)
        self.changes = Changes(session, scope=scope, new_id=new_id)
