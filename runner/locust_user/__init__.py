"""Collections under load: a Locust user that runs a collection, scripts and all.

Importing this imports Locust, which makes the process cooperative (gevent): it belongs into a locustfile, and before what opens
sockets or sleeps.
"""

from __future__ import annotations

try:
    import locust  # noqa: F401  first, so that what is imported from here on waits cooperatively
except ImportError as error:
    raise ImportError("runner.locust_user needs Locust: pip install 'pabal[locust]'") from error

from runner.locust_user.user import CollectionUser

__all__ = ["CollectionUser"]
