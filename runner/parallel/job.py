"""What a process is given to do."""

from __future__ import annotations

from dataclasses import dataclass

from runner.model import Collection
from runner.options import Options
from runner.plan import Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A share of a collection's run. Everything that can be read only once has been read; `bodies` as for `Session.events`."""

    collection: Collection
    options: Options
    share: Share
    scripts: bool
    bodies: bool
