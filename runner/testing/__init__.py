"""What generated test modules and programs are made of: a `Suite` of requests with their scripts, and a `Run` of it."""

from __future__ import annotations

from runner.codegen.support.sandbox import JavaScript
from runner.testing.given import overrides
from runner.testing.run import Run
from runner.testing.suite import Group, Suite, Test

__all__ = ["Group", "JavaScript", "Run", "Suite", "Test", "overrides"]
