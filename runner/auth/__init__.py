"""Authentication: which auth counts for a request, and the scheme that signs it."""

from runner.auth.flow import Flow, Scheme
from runner.auth.memory import Memory
from runner.auth.registry import registry, scheme, sign
from runner.request import effective_auth

__all__ = ["Flow", "Memory", "Scheme", "effective_auth", "registry", "scheme", "sign"]
