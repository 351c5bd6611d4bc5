"""The scripts of a whole plan as functions of one module: translated where that is certain, each text only once."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field

from runner.codegen.description import Diagnostic
from runner.codegen.names import identifier
from runner.codegen.scripts import Translation, Untranslatable, translate
from runner.codegen.scripts.syntax import parse, source, walk
from runner.codegen.writer import Style, literal, string, write
from runner.model import Event, Folder, Item
from runner.plan import Step

_KINDS = {"prerequest": "before", "test": "check"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """One script of a generated module: `name` stands for it there, `text` is its definition.

    `reason` says why it was not translated; None if it was.
    """

    name: str
    text: str
    imports: frozenset[str] = frozenset()
    reason: str | None = None


@dataclass(kw_only=True)
class Scripts:
    """All scripts of a plan. `of` finds those that an item or folder owns; `diagnostics` tell what was not translated."""

    found: dict[tuple[str, str], Script] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def of(self, owner: Folder | Item, listen: str) -> list[Script]:
        """The scripts of an item or folder, in order."""
        return [self.found[_key(event)] for event in _events(owner) if event.listen == listen]

    @property
    def names(self) -> set[str]:
        """Every name that means something to the scripts."""
        return {script.name for script in self.found.values()} | self.imports

    @property
    def imports(self) -> set[str]:
        """What the translated ones use of the support package, and `Any`."""
        return {name for script in self.found.values() for name in script.imports}


def scripts_of(
    steps: Iterable[Step], *, taken: Collection[str], named: Callable[[Folder | Item], str], fallback: bool = True
) -> Scripts:
    """The scripts of all steps and of what they inherit from, called by what these are `named`; `taken` are names of the module.

    With `fallback` off, those that cannot be translated raise NotImplementedError when they run.
    """
    owned = list(_owned(steps))
    attempts = {_key(event): _attempt(event) for _, event in owned}
    needed = _shared_with_javascript(attempts)
    scripts, names = Scripts(), set(taken)
    for owner, event in owned:
        key = _key(event)
        if key not in scripts.found:
            name = identifier(f"{_KINDS[event.listen]} {named(owner)}", fallback="script", taken=names)
            names.add(name)
            scripts.found[key] = _script(name, event, _settled(attempts[key], needed), fallback)
        script = scripts.found[key]
        if script.reason:
            scripts.diagnostics.append(
                Diagnostic(code="script-not-translated", text=f"{owner.name}, {event.listen}: {script.reason}")
            )
    done = sum(scripts.found[_key(event)].reason is None for _, event in owned)
    if owned:
        scripts.diagnostics.append(Diagnostic(code="scripts", text=f"{done} of {len(owned)} scripts translated to Python"))
    return scripts


def _owned(steps: Iterable[Step]) -> Iterator[tuple[Folder | Item, Event]]:
    """Each owner's scripts once, in the order they come first."""
    owners = {id(owner): owner for step in steps for owner in step.owners}
    return ((owner, event) for owner in owners.values() for event in _events(owner))


def _events(owner: Folder | Item) -> Iterator[Event]:
    return (event for event in owner.events if event.listen in _KINDS and not event.disabled and event.code.strip())


def _key(event: Event) -> tuple[str, str]:
    lines = event.code.replace("\r\n", "\n").strip().split("\n")
    return event.listen, "\n".join(line.rstrip() for line in lines)


def _attempt(event: Event) -> Translation | Untranslatable:
    try:
        return translate(event.code, listen=event.listen)
    except Untranslatable as refusal:
        return refusal


def _shared_with_javascript(attempts: dict[tuple[str, str], Translation | Untranslatable]) -> set[str]:
    """The names that scripts which stay JavaScript speak of: another script may have left them a value."""
    return {name for (_, code), found in attempts.items() if isinstance(found, Untranslatable) for name in _names(code)}


def _names(code: str) -> Iterator[str]:
    try:
        yield from (source(node) for node in walk(parse(code)) if node.type == "identifier")
    except Untranslatable:
        return


def _settled(attempt: Translation | Untranslatable, needed: set[str]) -> Translation | str:
    if isinstance(attempt, Untranslatable):
        return f"line {attempt.line}: {attempt.reason}"
    if shared := attempt.leaked & needed:
        return f"line 1: {', '.join(sorted(shared))} is read by a script that is not translated"
    return attempt


def _script(name: str, event: Event, found: Translation | str, fallback: bool) -> Script:
    if isinstance(found, Translation):
        body = "\n".join(found.lines) or "    pass"
        if all(line.lstrip().startswith("#") for line in found.lines):
            body += "\n    pass"
        returned = "object" if any(line.startswith("    return ") for line in found.lines) else "None"
        return Script(name=name, text=f"def {name}(pm: Pm) -> {returned}:\n{body}", imports=found.imports | {"Pm"})
    if fallback:
        code = event.code.replace("\r\n", "\n")
        packages = f", {dict(event.packages)!r}" if event.packages else ""
        why = f"# Not translated, {found}. This runs in Postman's sandbox:\n#\n{comment(code)}"
        text = f"{why}\n{name} = JavaScript({as_written(code)}{packages})"
        return Script(name=name, text=text, reason=found)
    told = comment(event.code, "    ")
    refusal = write(literal(f"not translated, {found}"), style=Style())
    text = f"def {name}(pm: Pm) -> None:\n{told}\n    raise NotImplementedError({refusal})"
    return Script(name=name, text=text, imports=frozenset({"Pm"}), reason=found)


def comment(code: str, indent: str = "") -> str:
    """A script or a description as comment lines, whatever ends its lines and whatever control characters are in it."""
    lines = re.split(r"\r\n?|\n", code.strip("\r\n"))
    shown = ("".join(char if char.isprintable() or char == "\t" else "?" for char in line) for line in lines)
    return "\n".join(f"{indent}# {line}".rstrip() for line in shown)


def as_written(text: str) -> str:
    """A text of several lines as a literal that reads as it was written; one that cannot is on one line."""
    plain = text.replace("\n", "").replace("\t", "").isprintable()
    if not plain or '"""' in text or text.endswith(('"', "\\")):
        return string(text)
    raw = "r" if "\\" in text else ""
    return f'{raw}"""{text}"""'
