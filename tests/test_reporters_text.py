"""Bodies as text, whatever their Content-Type says."""

from __future__ import annotations

import pytest

from runner.reporters.text import text_of


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        ("주문".encode("euc-kr"), "text/html; charset=EUC-KR", "주문"),
        ("주문".encode(), "text/html; charset=undefined", "주문"),
        ("주문".encode(), "text/html; charset=idna", "주문"),
        ("주문".encode(), "text/html; charset=hex", "주문"),
        ("주문".encode(), 'text/html; charset="no.such"', "주문"),
        (b"a.b", "text/html; charset=punycode", "a.b"),
        (b"\xff", "text/html; charset=undefined", None),
        (b"\xff", None, None),
    ],
)
def test_the_charset_counts_where_it_can(body: bytes, content_type: str | None, text: str | None) -> None:
    assert text_of(body, content_type) == text
