"""Who may do what: roles, `resource:action` permissions and the scope of a request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

_VIEWER = (
    "flow:read",
    "flow_type:read",
    "import:read",
    "mapping:read",
    "asset:read",
    "dependency:read",
    "analytics:read",
    "audit:read",
    "event:read",
)
_ANALYST = (
    "flow:create",
    "flow:execute",
    "flow:pause",
    "flow:resume",
    "flow:skip",
    "flow:iterate",
    "flow:cancel",
    "import:create",
    "asset:update",
    "mapping:update",
)
_MANAGER = (
    "flow:approve",
    "flow:rollback",
    "flow:delete",
    "flow:restore",
    "execution:execute",
    "handoff:approve",
    "template:manage",
    "schedule:manage",
    "budget:approve",
    "flow:read_sensitive",
)
_ADMIN = (
    "member:manage",
    "key:manage",
    "flow_type:manage",
    "agent:configure",
    "decommission:approve",
    "audit:verify",
)

ROLES: Mapping[str, frozenset[str]] = {
    "viewer": frozenset(_VIEWER),
    "analyst": frozenset(_VIEWER + _ANALYST),
    "engagement_manager": frozenset(_VIEWER + _ANALYST + _MANAGER),
    "client_admin": frozenset(_VIEWER + _ANALYST + _MANAGER + _ADMIN),
}
PERMISSIONS = ROLES["client_admin"]


def permissions_of(roles: Iterable[str]) -> frozenset[str]:
    """Union of the permissions of roles; an unknown role gives none."""
    return frozenset().union(*(ROLES.get(role, frozenset()) for role in roles))


@dataclass(frozen=True, slots=True)
class Scope:
    """Who acts, for which client account and engagement, and what they may do there."""

    client_account_id: UUID
    engagement_id: UUID
    actor: str
    permissions: frozenset[str] = field(default_factory=frozenset)
    ip: str = ""
    user_agent: str = ""
    request_id: str = ""

    def actor_document(self) -> dict[str, str]:
        """The actor as the database's audit rows want it."""
        return {"id": self.actor, "ip": self.ip, "user_agent": self.user_agent, "request_id": self.request_id}
