"""What a user may do in a minute: far more than anybody does who clicks, and nothing that a dragged slider needs.

Dash has one route for everything, so that it is no route that is limited.
"""

from flask import current_app
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from perturber.errors import NotAllowedError
from perturber.users import current

KEY = "PERTURBER_LIMITS"

UPLOADS = RateLimitItemPerMinute(30)
SAVES = RateLimitItemPerMinute(60)
EXPORTS = RateLimitItemPerMinute(60)
LINKS = RateLimitItemPerMinute(30)
LOGINS = (RateLimitItemPerMinute(10), RateLimitItemPerHour(60))
"""Of one name from one address."""

ADDRESS_LOGINS = (RateLimitItemPerMinute(30), RateLimitItemPerHour(300))
"""Of all names from one address."""


def new_limits() -> FixedWindowRateLimiter:
    """For the configuration of an app that is to have any, under `KEY`."""
    return FixedWindowRateLimiter(MemoryStorage())


def limited(what: str, *limits: RateLimitItem, who: str | None = None) -> None:
    """Count something that is done; an app for its own machine alone has no limits.

    Args:
        what: in the plural.
        who: by default the user.

    Raises:
        NotAllowedError: too often.
    """
    counting: FixedWindowRateLimiter | None = current_app.config.get(KEY)
    for limit in limits:
        if counting is not None and not counting.hit(limit, what, current().name if who is None else who):
            raise NotAllowedError(f"These are too many {what}: more than {limit}. Wait a while, then try again.")
