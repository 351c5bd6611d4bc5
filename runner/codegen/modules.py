"""Files of Python: a request's code with all that it needs, or the code of several requests in one module."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Any, TypeAlias

from runner import __version__
from runner.codegen.code import Brought, Frame, Names, brought, each, file_name, needed_packages, sorted_imports, templates
from runner.codegen.description import Description, Hole
from runner.codegen.docs import digest_of, harmless
from runner.codegen.format import formatted
from runner.codegen.names import identifier
from runner.codegen.registry import File, Generate, Job, Settings
from runner.codegen.scripts.statuses import expected_statuses
from runner.codegen.shapes import SHAPES, Answer, Shape, expected_in
from runner.codegen.writer import USUAL_WIDTH, Code, sequence, string, write
from runner.plan import Step

Context: TypeAlias = Callable[[Frame, Settings], Mapping[str, Any]]
"""What a target's template gets besides the frame; `answer` is what comes of the last call."""

_GAP = "\n\n\n"


def functions(template: str, context: Context, suffix: str = ".py", *, is_async: bool = False) -> Generate:
    """Code of a target that makes a function, a script or a test of each request, by a template and what it needs."""

    def generate(job: Job) -> Iterable[File]:
        shape, several = SHAPES[job.settings.shape], len(job.plan.steps) > 1
        joined = job.settings.joined and several and shape.joins

        def module() -> Module:
            return Module(job, template, context, shape(alone=not joined), suffix, is_async=is_async)

        if joined:
            return [module().joined()]
        return each(job, suffix, lambda step, description: module().file(step, description))

    return generate


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """The code of one request in a module: its definition or statements, and what runs these."""

    frame: Frame
    answer: Answer
    text: str
    foot: str


@dataclass
class Module:
    """A file under way, and what its requests share: imports, and what the file brings along."""

    job: Job
    template: str
    context: Context
    shape: Shape
    suffix: str
    is_async: bool = field(kw_only=True)
    imports: set[str] = field(default_factory=set)
    functions: dict[str, Brought] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)

    def file(self, step: Step, description: Description) -> File:
        """A file of one request."""
        unit = self._unit(step, description)
        head = [] if self.shape.documented else [replace(unit.frame, depth=0).documented()]
        text = self._written(head, [unit.text, unit.foot], flat=not unit.frame.depth)
        return self._made(unit, step, text)

    def joined(self) -> File:
        """One file of all requests, which sends nothing by itself."""
        parts = tuple(each(self.job, self.suffix, self._part))
        collection = self.job.plan.collection
        made = f"Written by pabal {__version__} from the collection ({digest_of(collection)}). {self.shape.told}"
        doc = f'"""{harmless(collection.name)}\n\n{made}\n"""'
        text = self._written(
            [doc], [part.text.rstrip("\n") for part in parts], exported=sorted(self.taken) if self.shape.parameters else ()
        )
        name = identifier(f"{self.shape.prefix}{self.job.name(collection)}", fallback="requests").rstrip("_")
        return File(path=f"{name}{self.suffix}", text=text, parts=parts)

    def _part(self, step: Step, description: Description) -> File:
        unit = self._unit(step, description)
        return self._made(unit, step, _GAP.join(filter(None, (unit.text, unit.foot))))

    def _unit(self, step: Step, description: Description) -> Unit:
        frame, settings = self._frame(step, description), self.job.settings
        calls = [self.context(before, settings) for before in _before(frame)]
        calls.append(made := self.context(frame, settings))
        answer: Answer = made["answer"]
        text = (
            templates()
            .get_template(self.template)
            .render(
                made,
                frame=frame,
                calls=calls,
                put=frame.put,
                at=frame.at,
                expected=expected_in(frame, answer.status),
                end=self.shape.end(frame, answer),
                preamble=list(frame.preamble()),
                head=list(self.shape.head(frame, answer)),
            )
        )
        return Unit(frame=frame, answer=answer, text=text.rstrip("\n"), foot=self.shape.foot(frame, answer))

    def _frame(self, step: Step, description: Description) -> Frame:
        shape = self.shape
        called = shape.name(self.job.name(step.item), self.taken)
        names = Names(function=called, functions=self.functions, naming=self.job.settings.naming)
        self.taken.add(names.function)
        return Frame(
            description=description,
            style=self.job.settings.style,
            names=names,
            imports=self.imports,
            diagnostics=list(description.diagnostics),
            is_async=self.is_async,
            depth=shape.depth(description, is_async=self.is_async),
            parameters=shape.parameters,
            expected=expected_statuses(step.item) if shape.expects else (),
        )

    def _made(self, unit: Unit, step: Step, text: str) -> File:
        told = tuple(dict.fromkeys(unit.frame.diagnostics))
        aside = replace(unit.frame, imports=set())
        program = self.shape.program(aside, unit.answer)
        ending = "\n".join([_GAP, *sorted(aside.imports), "", program, ""]) if program else ""
        return File(
            path=self._path(step),
            text=text,
            step=step,
            description=unit.frame.description,
            diagnostics=told,
            ending=ending,
            status=unit.frame.expected[0] if unit.frame.expected else 200,
        )

    def _path(self, step: Step) -> str:
        """Folders and name of a request; a test has a name that no other folder has, because pytest imports it by that."""
        path = file_name(self.job, step, self.suffix)
        if not self.shape.prefix:
            return path
        words = [*map(self.job.name, step.chain[1:]), self.job.name(step.item)]
        name = identifier(" ".join(words), fallback="request").rstrip("_")
        return str(PurePosixPath(path).with_name(f"{self.shape.prefix}{name}{self.suffix}"))

    def _written(self, doc: list[str], texts: list[str], *, flat: bool = False, exported: Sequence[str] = ()) -> str:
        """The text of the file."""
        style = self.job.settings.style
        blocks = ["\n".join(block) for block in sorted_imports(self.imports)]
        names = [write(sequence(Code(string(name)) for name in exported), before="__all__ = ", style=style)] if exported else []
        head = "\n\n".join(filter(None, (self._needs(), *doc, *blocks, *names)))
        brings = list(brought(self.functions, style))
        gap = "\n\n" if flat and not brings else _GAP
        text = gap.join(filter(None, (head, *brings, *texts))) + "\n"
        # The fixed lines of templates fit into the usual width.
        return formatted(text, style) if style.width < USUAL_WIDTH else text

    def _needs(self) -> str:
        """What says which packages a program needs."""
        if not self.job.settings.pep723:
            return ""
        needs = ", ".join(string(name) for name in sorted(needed_packages(self.imports)))
        return f'# /// script\n# requires-python = ">=3.11"\n# dependencies = [{needs}]\n# ///'


def _before(frame: Frame) -> Iterator[Frame]:
    """Frames of the calls that come first. A body that is the same in all of them is assigned only once."""
    description, names = frame.description, frame.names
    for first in description.first:
        same = first.request.body == description.body
        stores = [(name, keys) for name, keys in first.stores.items() if any(hole.name == name for hole in description.holes)]
        yield replace(
            frame,
            description=first.request,
            payload="inline" if not same else frame.payload,
            stores=[(names.of(_hole(description, name)), "".join(f"[{string(key)}]" for key in keys)) for name, keys in stores],
            expected=(),
            opened=[],
            read=[],
        )
        frame.payload = "shared" if same else frame.payload


def _hole(description: Description, name: str) -> Hole:
    return next(hole for hole in description.holes if hole.name == name)
