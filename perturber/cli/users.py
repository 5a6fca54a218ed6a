"""``perturber users``: who may come in from elsewhere."""

import sys
from getpass import getpass
from typing import Annotated

import typer

from perturber.cli.options import Json
from perturber.cli.output import print_json
from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.users import Role

users_app = typer.Typer(no_args_is_help=True, help="Add, list, change and remove accounts, and make links to share.")

Name = Annotated[str, typer.Argument(help="Name of the account.", show_default=False)]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from the first line of stdin.")]


@users_app.command()
def add(
    name: Annotated[str, typer.Argument(help="a-z, 0-9, ., _ and -, the first a letter.", show_default=False)],
    role: Annotated[
        Role,
        typer.Option(
            help="A viewer looks; an editor also uploads, keeps models and groups, and starts jobs; an admin may "
            "change what others have kept."
        ),
    ] = Role.EDITOR,
    password_stdin: FromStdin = False,
) -> None:
    """Make an account; its password is asked for."""
    from perturber.accounts import Accounts

    Accounts(Settings().data).add(name, role, _password(stdin=password_stdin))


@users_app.command()
def password(name: Name, password_stdin: FromStdin = False) -> None:
    """Give an account another password, which ends its sessions."""
    from perturber.accounts import Accounts

    Accounts(Settings().data).change(name, password=_password(stdin=password_stdin))


@users_app.command()
def role(name: Name, role: Annotated[Role, typer.Argument(help="From now on.", show_default=False)]) -> None:
    """Give an account another role."""
    from perturber.accounts import Accounts

    Accounts(Settings().data).change(name, role=role)


@users_app.command()
def remove(name: Name) -> None:
    """Remove an account, whose sessions and links end at once; what it has kept belongs to administrators then."""
    from perturber.accounts import Accounts

    Accounts(Settings().data).remove(name)


@users_app.command("list")
def list_users(as_json: Json = False) -> None:
    """List every account, and its role."""
    from perturber.accounts import Accounts

    rows = [{"name": one.name, "role": one.role.value} for one in Accounts(Settings().data).all().values()]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        print(f"{row['name']:32} {row['role']}")


@users_app.command()
def link(
    address: Annotated[str, typer.Argument(help="Of a page, as the browser shows it.", show_default=False)],
    days: Annotated[float, typer.Option(help="After which it leads nowhere.", min=0.01, max=366)] = 7,
) -> None:
    """Print a link with which anybody can look at a page without an account, but change nothing."""
    from perturber.accounts import Accounts

    print(Accounts(Settings().data).share(address, days=days))


def _password(*, stdin: bool) -> str:
    if stdin:
        return sys.stdin.readline().rstrip("\r\n")
    given = getpass("Password: ")
    if getpass("Once more: ") != given:
        raise InvalidInputError("The passwords differ. Try again.")
    return given
