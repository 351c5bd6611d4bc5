"""Does generated code send what the runner sends? It is run against a recorder on this machine, which it cannot get past."""

from runner.codegen.checking.check import Checker, Verdict

__all__ = ["Checker", "Verdict"]
