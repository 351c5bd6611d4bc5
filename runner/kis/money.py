"""What moves money: the broker's rule, applied to a request as it is about to leave."""

from __future__ import annotations

import re

from runner.model import Prepared

_HARMLESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PATH = re.compile(r"[^/?#]*//[^/?#]*([^?#]*)")
_LETTERS = re.compile(r"[A-Z0-9]+")
# Only spellings without dots, `%` or `\` are let through, so that no path trick can turn an order into one of these.
_NO_ORDER = re.compile(r"/+oauth2/+[A-Za-z]+/*|/+uapi/+hashkey/*")
_REAL_ORDER = re.compile(r"[TJCSO][A-Z]{3}[0-9]{4}U")
_ORDER = re.compile(r"[A-Z]{4}[0-9]{4}U")


def path_of(url: str) -> str:
    """The path of a URL as it is written, without query and fragment; `\\` counts as `/`, as it does in Postman."""
    found = _PATH.match(url.replace("\\", "/"))
    return found[1] if found else ""


def tr_ids(prepared: Prepared) -> tuple[str, ...]:
    """The values of every tr_id header, in upper case and without what surrounds them: published files have `'VTTS0311U '`."""
    values = [value for key, value in prepared.headers if key.strip().lower() == "tr_id"]
    return tuple(word for value in values for word in _LETTERS.findall(value.upper()))


def moves_money(prepared: Prepared) -> bool:
    """Whether a request to the broker places, changes or cancels an order.

    The broker's rule, true of every published item: the tr_id ends in U, or it is a POST outside of /oauth2 and the hash.
    """
    if any(tr_id.endswith("U") for tr_id in tr_ids(prepared)):
        return True
    return prepared.method.strip().upper() not in _HARMLESS_METHODS and not _NO_ORDER.fullmatch(path_of(prepared.url))


def names_real_order(prepared: Prepared) -> bool:
    """Whether a tr_id is that of an order on a real account, wherever the request goes."""
    return any(_REAL_ORDER.fullmatch(tr_id) for tr_id in tr_ids(prepared))


def names_order(prepared: Prepared) -> bool:
    """Whether a tr_id is that of an order, on a paper account too, wherever the request goes."""
    return any(_ORDER.fullmatch(tr_id) for tr_id in tr_ids(prepared))
