"""``perturber serve``."""

from typing import Annotated

import typer

from perturber.cli.options import Device, settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to serve on.")] = None,
    port: Annotated[int | None, typer.Option(help="TCP port to serve on.", min=1, max=65535)] = None,
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="Let everybody in who reaches the server, and do everything.")
    ] = False,
    device: Device = None,
) -> None:
    """Serve the dashboard until it is interrupted (SIGINT, SIGTERM); what is being answered is answered first."""
    from app import serve

    given = {"host": host, "port": port, "auth": False if no_auth else None}
    serve(settings(device, **{key: value for key, value in given.items() if value is not None}))
