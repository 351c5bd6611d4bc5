"""Korean trading days: weekends are closed, and so is today while the simulator keeps a holiday."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

PATH = "domestic-stock/v1/quotations/chk-holiday"


def rows(first: str, now: datetime, count: int, *, holiday: bool) -> Iterator[dict[str, str]]:
    """What KIS says of the days from `first` (YYYYMMDD) on; from today on where that is no date."""
    start = datetime.strptime(first, "%Y%m%d").date() if first.isdecimal() and len(first) == 8 else now.date()
    for day in (start + timedelta(days=ahead) for ahead in range(count)):
        is_open = day.weekday() < 5 and not (holiday and day == now.date())
        yield {
            "bass_dt": day.strftime("%Y%m%d"),
            "wday_dvsn_cd": _weekday(day),
            **dict.fromkeys(("bzdy_yn", "tr_day_yn", "opnd_yn", "sttl_day_yn"), "Y" if is_open else "N"),
        }


def _weekday(day: date) -> str:
    """KIS counts from Sunday, 01, to Saturday, 07."""
    return f"{day.isoweekday() % 7 + 1:02d}"
