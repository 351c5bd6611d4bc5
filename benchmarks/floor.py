"""The least a Python runner on requests can cost: a loop of GETs, nothing else. Arguments: URL prefix, how many."""

from __future__ import annotations

import sys

import requests


def main() -> None:
    prefix, count = sys.argv[1], int(sys.argv[2])
    with requests.Session() as session:
        for number in range(count):
            session.get(f"{prefix}/{number}").raise_for_status()


if __name__ == "__main__":
    main()
