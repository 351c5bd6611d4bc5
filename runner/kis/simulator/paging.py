"""KIS's paging: `tr_cont` in the headers, two context fields that must come back exactly as they were sent."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from runner.kis.endpoints import Endpoint
from runner.kis.simulator.facts import Fault

Item = TypeVar("Item")
UNNUMBERED = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which rows of `output` a call gets: `size` rows from `start`; size 0 is all. `tag` stands for the rest of the query."""

    output: str
    start: int = 0
    size: int = 0
    ctx: tuple[str, ...] = ()
    tag: str = ""

    @classmethod
    def of(cls, endpoint: Endpoint, query: Mapping[str, str], *, continues: bool, mock: bool) -> Page:
        """The page a query asks for.

        Raises:
            Fault: the call goes on from a page, but the context fields are not those of that page.
        """
        arrays = (output.name for output in endpoint.outputs if output.shape == "array")
        output = next(arrays, "")
        if not endpoint.ctx:
            return cls(output=output)
        page = cls(output=output, size=endpoint.page[mock], ctx=endpoint.ctx, tag=_tag(query))
        return page._at(query) if continues else page

    def cut(self, rows: Sequence[Item]) -> list[Item]:
        """The rows of this page."""
        return list(rows[self.start : self.start + self.size] if self.size else rows)

    def more(self, rows: Mapping[str, Sequence[Any]]) -> str:
        """The tr_cont of the answer: F or M when there is more, D or E at the end."""
        if self._goes_on(rows):
            return "M" if self.start else "F"
        return "E" if self.start else "D"

    def context(self, rows: Mapping[str, Sequence[Any]]) -> dict[str, str]:
        """The context fields of the answer; the last page's next key is all blanks."""
        start = self.start + self.size if self._goes_on(rows) else None
        return {name: self._filled(name, start) for name in self.ctx}

    def _goes_on(self, rows: Mapping[str, Sequence[Any]]) -> bool:
        return bool(self.size) and self.start + self.size < len(rows.get(self.output, ()))

    def _at(self, query: Mapping[str, str]) -> Page:
        texts = [query.get(name.upper(), "") for name in self.ctx]
        found = next((match for text in texts if (match := re.match(r"!\^[0-9a-f]{8}\^(\d+)\^", text))), None)
        if found is None:
            raise Fault("OPSQ2002", self.ctx[-1].upper())
        start = int(found[1])
        wrong = (name for name, text in zip(self.ctx, texts, strict=True) if text != self._filled(name, start))
        if (name := next(wrong, None)) is not None:
            raise Fault("OPSQ2002", name.upper())
        return replace(self, start=start)

    def _filled(self, name: str, start: int | None) -> str:
        width = int(re.sub(r"\D", "", name) or UNNUMBERED)
        # A few inquiries have one of the two fields only: the position goes into whichever comes last.
        if name == self.ctx[-1]:
            return ("" if start is None else f"!^{self.tag}^{start}^").ljust(width)
        return f"{self.tag}^".ljust(width)


def _tag(query: Mapping[str, str]) -> str:
    rest = sorted((key, value) for key, value in query.items() if not key.startswith("CTX_AREA"))
    return hashlib.sha256(repr(rest).encode()).hexdigest()[:8]
