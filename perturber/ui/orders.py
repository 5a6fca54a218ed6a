"""What had been ordered when the server was stopped goes on: each order is kept as the link of its page."""

import logging

from perturber.accounts import Accounts
from perturber.errors import BusyError, InvalidInputError, PerturberError
from perturber.service import InferenceService
from perturber.ui.states.page import parse_query
from perturber.ui.states.sweep import PATH, sweep_of
from perturber.users import Role, User, acting

log = logging.getLogger(__name__)


def resume(service: InferenceService) -> None:
    """Order once more, for those who had done so, what was not over; what cannot be ordered any more is forgotten."""
    accounts = Accounts(service.settings.data).all() if service.settings.needs_login else None
    for name, order in list(service.orders.all()):
        again = set()
        for owner in order.owners:
            account = accounts.get(owner) if accounts is not None else None
            role = Role.EDITOR if accounts is None or (account is None and service.settings.oidc) else None
            user = User(owner, role or (account.role if account else Role.VIEWER))
            try:
                with acting(user):
                    again.add(_submit(service, order.link))
            except (PerturberError, BusyError) as error:
                service.orders.leave(name, owner)
                log.warning("What %s had ordered does not go on: %s", owner or "somebody", error)
        if name not in again:  # of other weights, it has another name
            service.orders.remove(name)


def _submit(service: InferenceService, link: str) -> str:
    path, _, query = link.partition("?")
    if path != PATH:
        raise InvalidInputError(f"There is nothing to order of {path[:80]!r}.")
    state, problems = sweep_of(parse_query(query), service)
    if problems:
        raise InvalidInputError(" ".join(problems))
    return service.orders.submit(service.jobs, state.request(service), link).id
