"""Options that several commands share."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document instead of text.")]
Client = Annotated[
    UUID | None, typer.Option("--client", metavar="ID", help="Client account; the demo account when not given.")
]
Engagement = Annotated[
    UUID | None, typer.Option("--engagement", metavar="ID", help="Engagement of that client account.")
]
Wait = Annotated[
    bool, typer.Option("--wait", help="Run a worker here until the flow is done, fails or needs a person.")
]
FlowId = Annotated[UUID, typer.Argument(metavar="FLOW", help="Id of the flow.", show_default=False)]
Reason = Annotated[str, typer.Option("--reason", help="Why; stands in the audit log.")]
