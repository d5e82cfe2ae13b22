"""The credential of a request, and the scope it gives."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from masterflow.kernel.permission import Scope
from masterflow.orchestrator.identity import Presented
from masterflow.web.services import WebServices

_LONGEST_AGENT = 400
_bearer = HTTPBearer(auto_error=False, scheme_name="api_key", description="An API key: mf_<8 characters>_<secret>.")

ClientHeader = Annotated[
    str | None,
    Header(alias="X-Client-Account-ID", description="Must be the key's own client account when it is sent."),
]
EngagementHeader = Annotated[
    str | None,
    Header(alias="X-Engagement-ID", description="Chooses among the engagements that the key is granted."),
]


def services_of(request: Request) -> WebServices:
    """The services of this application."""
    services: WebServices = request.app.state.services
    return services


async def current_scope(
    request: Request,
    credential: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
    client_account_id: ClientHeader = None,
    engagement_id: EngagementHeader = None,
) -> Scope:
    """Who asks and what they may do. Raises Unauthenticated without a valid key."""
    agent = request.headers.get("user-agent", "")[:_LONGEST_AGENT]
    return await services_of(request).identity.identify(
        Presented(
            token=credential.credentials if credential else None,
            client_account_id=client_account_id,
            engagement_id=engagement_id,
            ip=request.client.host if request.client else "",
            user_agent="".join(letter for letter in agent if letter.isprintable()),
            request_id=request.state.request_id,
        )
    )


Services = Annotated[WebServices, Depends(services_of)]
CurrentScope = Annotated[Scope, Depends(current_scope)]
