"""`masterflow admin ...`: tenants and tokens of this installation."""

from __future__ import annotations

from typing import Annotated

import typer

from masterflow import app as root
from masterflow.app import DEMO, Core
from masterflow.cli.options import Client, Engagement, Json
from masterflow.cli.output import Output, facts, put
from masterflow.cli.session import with_core
from masterflow.errors import InvalidInput
from masterflow.kernel.permission import ROLES
from masterflow.store.tenants import Tenant

app = typer.Typer(help="Tenants and tokens.", no_args_is_help=True, rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the client account.", show_default=False)]


@app.command("create-tenant")
def create_tenant(
    name: Name,
    engagement: Annotated[str, typer.Option("--engagement", help="Name of its first engagement.")] = "First engagement",
    as_json: Json = False,
) -> None:
    """Make a client account with one engagement; prints both ids."""
    for option, text in (("NAME", name), ("--engagement", engagement)):
        if not text.strip():
            raise typer.BadParameter("a name is needed", param_hint=option)

    async def work(core: Core) -> Tenant:
        return root.create_tenant(core, client_name=name, engagement_name=engagement)

    made = with_core(work)
    Output(as_json=as_json).answer(
        made,
        lambda console: put(
            console, facts([("client account", made.client_account_id), ("engagement", made.engagement_id)])
        ),
    )


@app.command("create-token")
def create_token(
    role: Annotated[str, typer.Option("--role", help=f"One of {', '.join(ROLES)}.")] = "client_admin",
    principal: Annotated[str, typer.Option("--name", help="Whose token it is.")] = "administrator",
    client: Client = None,
    engagement: Engagement = None,
    everywhere: Annotated[
        bool, typer.Option("--every-engagement", help="Valid in all engagements of the client account.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make an API token. It is shown once: only its hash is stored."""
    if role not in ROLES:
        raise typer.BadParameter(f"there is no role '{role}'; roles: {', '.join(ROLES)}", param_hint="--role")
    if (client is None) != (engagement is None):
        raise InvalidInput("a client account and an engagement belong together", next_step="Give both, or neither.")
    tenant = Tenant(client, engagement) if client and engagement else DEMO

    async def work(core: Core) -> str:
        root.ensure_demo_tenant(core)
        return root.create_token(core, tenant, principal=principal, role=role, every_engagement=everywhere)

    token = with_core(work)
    document = {
        "token": token,
        "role": role,
        "client_account_id": str(tenant.client_account_id),
        "engagement_id": str(tenant.engagement_id),
    }
    Output(as_json=as_json).answer(document, lambda console: put(console, f"{token}\nKeep it: it is shown this once."))
