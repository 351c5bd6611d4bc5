"""Bodies as text."""

from __future__ import annotations

import re

_CHARSET = re.compile(r"charset\s*=\s*\"?([\w.:-]+)", re.IGNORECASE)


def text_of(body: bytes, content_type: str | None) -> str | None:
    """A body as text, by the charset of its content type, else as UTF-8; None when it is no text."""
    declared = _CHARSET.search(content_type or "")
    for encoding in dict.fromkeys((declared[1] if declared else "utf-8", "utf-8")):
        try:
            return body.decode(encoding)
        except (UnicodeError, LookupError):  # the codec named "undefined" raises a bare UnicodeError
            continue
    return None
