"""What schemes learn from servers while a run goes: a digest challenge, a fetched token."""

from __future__ import annotations

import json
from collections.abc import Hashable, Iterator, Mapping
from typing import Any

from runner.auth.target import Target
from runner.model import Auth, Prepared

# A token is worth the same to every request that asks for it in the same way; a challenge belongs to one auth of the collection.
_SHARED = frozenset({"oauth2"})


class Params(Mapping[str, Any]):
    """The parameters of an auth: what the user gave, and for what is empty there, what the scheme has `learned`.

    What a scheme puts into `learned` is there again for the next request with the same auth.
    """

    def __init__(self, given: Mapping[str, Any], learned: dict[str, Any] | None = None) -> None:
        self.given = given
        self.learned = {} if learned is None else learned

    def __getitem__(self, key: str) -> Any:
        if key in self.learned and self.given.get(key) in (None, ""):
            return self.learned[key]
        return self.given[key]

    def __iter__(self) -> Iterator[str]:
        return iter({**self.given, **self.learned})

    def __len__(self) -> int:
        return len({**self.given, **self.learned})


class Memory:
    """What was learned in one run, kept apart by whose auth it is and which server taught it."""

    def __init__(self) -> None:
        self._learned: dict[Hashable, dict[str, Any]] = {}

    def params(self, auth: Auth, prepared: Prepared, owner: str | None = None) -> Params:
        """The parameters of an auth that belongs to the item or folder with the id `owner`; without one nothing is kept."""
        if auth.type in _SHARED:
            key: Hashable = (auth.type, json.dumps(auth.params, sort_keys=True, default=str))
        elif owner is None:
            return Params(auth.params)
        else:
            key = (auth.type, owner, Target.of(prepared.url).origin)
        return Params(auth.params, self._learned.setdefault(key, {}))
