"""Keys of protocolProfileBehavior that no runner knows, and which therefore do nothing."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from runner.behavior import BEHAVIORS
from runner.linter.subject import Finding, Subject, within


def unknown_behavior(subject: Subject) -> Iterator[Finding]:
    """Keys of protocolProfileBehavior that do not exist, with the one that was probably meant."""
    for place, owner in subject.owners():
        for key in owner.behavior:
            if key not in BEHAVIORS:
                near = difflib.get_close_matches(key, BEHAVIORS, n=1)
                meant = f"; did you mean `{near[0]}`?" if near else ""
                yield Finding(message=f"there is no `{key}`{meant}", place=within(place, "protocolProfileBehavior"))
