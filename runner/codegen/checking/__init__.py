"""Does generated code send what the runner sends? It is run against a recorder on this machine, which it cannot get past."""

from runner.codegen.checking.check import Checker, Verdict
from runner.codegen.checking.witness import Expected, Witness, answer_for, overheard

__all__ = ["Checker", "Expected", "Verdict", "Witness", "answer_for", "overheard"]
