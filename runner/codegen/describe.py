"""A request made into a `Description`: through the runner's `prepare` twice, once as it is and once with stand-ins."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from runner import auth as schemes
from runner import url as urls
from runner.body import ReadFile
from runner.codegen.addresses import address_of, names_the_host
from runner.codegen.bodies import body_of, own_boundary
from runner.codegen.description import Address, Auth, Description, Diagnostic, First, Hole, Rules, Text, Use
from runner.codegen.holes import Choose, StandIns, filled
from runner.codegen.literals import secret_variables, without_literals
from runner.codegen.overhear import Heard, Overhear, lacks_a_value
from runner.codegen.remarks import Describe, remarks_of
from runner.errors import Refused, SendError
from runner.extension import Extension, Turn
from runner.jstext import js_text
from runner.model import Auth as ModelAuth
from runner.model import MadeUpId, Prepared, Request, Url
from runner.plan import Step
from runner.request import prepare, resolve, resolve_auth
from runner.secrets import Secrets
from runner.variables import Scope, Scopes

_EVERY_CLIENT = frozenset("user-agent accept cache-control postman-token host accept-encoding connection content-length".split())
_IN_HEADERS = frozenset({"noauth", "bearer", "apikey", "oauth2"})
_OTHERS = str.maketrans("0123456789abcdef", "123456789abcdef0")
_NAME = re.compile(r"\{\{([^{}]*)\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """What a description is made from: a run's scopes and extensions, and how body files are read.

    `secrets` with `choose` says which values stay out of the code; `timeout` is in seconds, None for none. `extras` are the run's
    settings for extensions.
    """

    scopes: Scopes
    choose: Choose
    read_file: ReadFile
    secrets: Secrets | None = None
    extensions: Sequence[Extension] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)
    timeout: float | None = 30
    overhear: Overhear | None = None
    follow: bool = True
    verify: bool = True
    trim: bool = False
    describe: Describe = "line"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """A request that went through the extensions, `resolve`, `prepare`, and auth. `bare` is without the auth left to the code."""

    request: Request
    prepared: Prepared
    bare: Prepared
    auth: ModelAuth | None
    diagnostics: tuple[Diagnostic, ...] = field(default=())


def describe(step: Step, sources: Sources) -> Description:
    """The description of an item's request.

    Raises:
        SendError: the runner could not send it either: no URL, or what HTTP cannot carry.
    """
    description, odd = _described(step, sources)
    if not odd:
        return description
    told = Diagnostic(code="written-down", text=f"written down, because it is sent as another text: {', '.join(sorted(odd))}")
    choose = sources.choose

    def fewer(name: str, value: Any, type: str) -> Hole | None:
        return None if name in odd else choose(name, value, type)

    description, _ = _described(step, replace(sources, choose=fewer))
    return replace(description, diagnostics=(*description.diagnostics, told))


def _described(step: Step, sources: Sources) -> tuple[Description, set[str]]:
    """The description, and the variables with a value that could not be taken out of it: the code would send something else."""
    scopes, step = sources.scopes, _with_user(step)
    taken = {variable.key for _, scope in scopes.layers() for variable in scope}
    step, literals = without_literals(step, sources.secrets, taken) if sources.secrets else (step, {})
    scopes = _overlaid(scopes, literals)
    marks = StandIns(scopes, _hiding(step, sources, literals), _everything(step, scopes))
    heard = _heard(step, sources, marks)
    marked = _make(step, sources, marks.lookup, marks.numbers, marks.words, _leniently(sources.read_file))
    values = {name: hole.value or _sample(hole, marks) for name, hole in marks.holes.items()}
    known = _overlaid(scopes, values)
    real = _make(step, sources, known.lookup, known, known, sources.read_file)
    diagnostics = [
        *_unheard(step, heard),
        *marked.diagnostics,
        *(Diagnostic(code="warning", text=text) for text in real.prepared.warnings),
        *_lenient(step),
    ]
    address = address_of(marked.bare.url, real.bare.url, marked.request.url, marks, values)
    changes = any(extension.changes(real.prepared) for extension in sources.extensions)
    description = Description(
        name=step.item.name,
        path=step.path,
        method=real.prepared.method,
        address=address,
        prepared=real.prepared,
        again=_again(step, sources, marks, values),
        headers=tuple(_headers(marked.bare, marks)),
        blanks=_blanks(marked.request, diagnostics),
        body=body_of(marked.request.body, marked.bare, marks, values),
        auth=_auth(marked.auth, marks),
        rules=_rules(step, sources),
        remarks=remarks_of(step.item.request, sources.describe, sources.secrets),
        notes=step.item.request.description or step.item.description,
        source=_source(step) if sources.describe == "full" else "",
        guarded=_guarded(real.prepared, sources.extensions) or _for_any_host(address, changes=changes),
        changes=changes,
        diagnostics=tuple(diagnostics),
    )
    first = tuple(_first(request, marks, values, sources) for request in heard)
    odd = _misfits(address.exact, real.bare.url.partition("#")[0], values)
    for (_, found), (_, sent) in zip(description.headers, _headers(real.bare, marks), strict=False):
        odd |= _misfits(found, sent.plain, values)
    return replace(description, holes=_holes(marks, values), first=first), odd


def _misfits(found: Text, sent: str | None, values: Mapping[str, str]) -> set[str]:
    """The variables with a value of a text that is not what a run sends."""
    known = {hole.name for hole in found.holes() if hole.default is not None}
    return known if known and filled(found, values) != sent else set()


def _with_user(step: Step) -> Step:
    """The step with a user who stands in the URL as basic auth, which a run makes of it, too."""
    request = step.item.request
    url = urls.as_parts(request.url)
    auth = schemes.effective_auth([request.auth, *(folder.auth for folder in reversed(step.chain))])
    if not url.auth or auth is not None or any(param.key.lower() == "authorization" for param in request.headers):
        return step
    user, _, password = url.auth.partition(":")
    basic = ModelAuth(type="basic", params={"username": unquote(user), "password": unquote(password)})
    made = replace(request, url=replace(url, text=None, auth=None), auth=basic)
    return replace(step, item=replace(step.item, request=made))


def _again(step: Step, sources: Sources, marks: StandIns, values: Mapping[str, str]) -> Prepared | None:
    """The request with something else wherever a value is computed."""
    computed = {name: values[name].translate(_OTHERS) for name, hole in marks.holes.items() if hole.source == "computed"}
    if not computed:
        return None
    known = _overlaid(sources.scopes, {**values, **computed})
    return _make(step, sources, known.lookup, known, known, sources.read_file).prepared


def _hiding(step: Step, sources: Sources, literals: Collection[str]) -> Choose:
    """The user's choice, where every variable that a header or auth needs for a secret counts as one, and every literal."""
    hidden = secret_variables(step, sources.secrets) | {*literals} if sources.secrets else frozenset()
    return lambda name, value, type: sources.choose(name, value, "secret" if name in hidden else type)


def _heard(step: Step, sources: Sources, marks: StandIns) -> list[Heard]:
    """The requests that scripts send first, those of which something is used here; what they bring is a hole."""
    if sources.overhear is None:
        return []
    request, _ = _extended(step, sources.extensions, marks.lookup, marks.numbers)
    used = _names_in(request)
    heard = [found for found in sources.overhear(step, request, marks) if used & found.stores.keys()]
    for name in {name for found in heard for name in found.stores}:
        marks.store(name)
    return heard


def _lenient(step: Step) -> Iterator[Diagnostic]:
    if _behavior(step).get("insecureHTTPParser"):
        yield Diagnostic(
            code="parser", text="the collection reads answers leniently (insecureHTTPParser), code as its library does"
        )


def _unheard(step: Step, heard: Sequence[Heard]) -> Iterator[Diagnostic]:
    scripts = [event for owner in step.owners for event in owner.events if event.listen == "prerequest" and not event.disabled]
    for found in heard:
        if lacks_a_value(found.prepared.url):
            text = f"a script sends something to {found.prepared.url}, because a variable has no value"
            yield Diagnostic(code="unresolved", text=text)
    if any(event.code.strip() for event in scripts) and not heard:
        yield Diagnostic(code="script", text="the collection runs a script before this request, which is not part of this code")


def _names_in(request: Request) -> set[str]:
    """The variables that a request asks for."""
    names: set[str] = set()

    def look(text: str) -> str:
        names.update(_NAME.findall(text))
        return text

    resolve(request, look)
    return names


def _first(heard: Heard, marks: StandIns, values: Mapping[str, str], sources: Sources) -> First:
    prepared, request = heard.prepared, heard.prepared.request or Request(url=Url())
    sent = marks.with_values(prepared, values)
    if names_the_host(request.url, marks) and "://" in (bare := sent.url.removeprefix("http://")):
        sent = replace(sent, url=bare)
    description = Description(
        name=f"{prepared.method} {prepared.url.partition('?')[0]}",
        path=(),
        method=prepared.method,
        address=address_of(prepared.url, sent.url, request.url, marks, values),
        prepared=sent,
        headers=tuple(_headers(prepared, marks)),
        body=body_of(request.body, prepared, marks, values),
        rules=Rules(timeout=sources.timeout, verify=sources.verify),
        holes=_holes(marks, values),
    )
    return First(request=description, stores=heard.stores)


def _holes(marks: StandIns, values: Mapping[str, str]) -> tuple[Hole, ...]:
    """The holes that came up so far, with their values."""
    return tuple(replace(marks.holes[name], value=values[name]) for name in marks.used)


def _sample(hole: Hole, marks: StandIns) -> str:
    """What a hole without a value holds while the code is checked: its stand-in, in which an account number is a number."""
    if hole.source == "computed":
        return marks.sample(hole.name)
    if hole.source == "masked" or (hole.source == "argument" and hole.default is not None):
        return hole.value
    return js_text(marks.numbers.find(hole.name))


def _everything(step: Step, scopes: Scopes) -> str:
    return repr((step.item.request, [(entry.key, entry.value) for _, scope in scopes.layers() for entry in scope]))


def _overlaid(scopes: Scopes, values: Mapping[str, Any]) -> Scopes:
    """The scopes with values that win over all others."""
    made = Scopes(environment=scopes.environment, globals=scopes.globals, collection=scopes.collection, dynamic=scopes.dynamic)
    made.local, made.data = Scope(scopes.local), scopes.data
    for name, value in values.items():
        made.local.set(name, value)
    return made


def _leniently(read_file: ReadFile) -> ReadFile:
    """Code names a file whether it is there now or not."""

    def read(name: str) -> bytes:
        try:
            return read_file(name)
        except OSError:
            return b"?"

    return read


# ------------------------------------------------------------------------------------------------------ through the runner


def _make(
    step: Step, sources: Sources, lookup: Callable[[str], Any], scopes: Scopes, url_scopes: Scopes, read_file: ReadFile
) -> _Made:
    request, notes = _extended(step, sources.extensions, lookup, scopes)
    auth = schemes.effective_auth([request.auth, *(folder.auth for folder in reversed(step.chain))])
    auth, told = _with_token(auth)
    resolved = resolve(replace(request, auth=auth), scopes.replace)
    resolved = _trimmed(resolved) if sources.trim else resolved
    resolved = replace(
        resolved, url=urls.substitute(request.url, url_scopes.replace), method=sources.scopes.replace(request.method)
    )
    prepared = prepare(resolved, behavior=_behavior(step), read_file=read_file)
    signed, left = _signed(prepared, resolved.auth)
    bare = prepared if left else signed
    return _Made(request=resolved, prepared=signed, bare=bare, auth=left, diagnostics=(*notes, *told))


def _with_token(auth: ModelAuth | None) -> tuple[ModelAuth | None, tuple[Diagnostic, ...]]:
    """OAuth 2.0 without a stored token, which a run would fetch; code takes it from where it takes other secrets."""
    if auth is None or auth.type != "oauth2" or auth.params.get("accessToken"):
        return auth, ()
    text = "a run fetches this token (OAuth 2.0), the code is given it"
    return replace(auth, params={**auth.params, "accessToken": "{{access_token}}"}), (Diagnostic(code="oauth2-token", text=text),)


def _trimmed(request: Request) -> Request:
    body = request.body
    if body is None:
        return request
    fields = tuple(replace(param, key=param.key.strip(), value=(param.value or "").strip()) for param in body.urlencoded)
    parts = tuple(replace(param, key=param.key.strip(), value=(param.value or "").strip()) for param in body.formdata)
    return replace(request, body=replace(body, raw=body.raw.strip(), urlencoded=fields, formdata=parts))


def _extended(
    step: Step, extensions: Sequence[Extension], lookup: Callable[[str], Any], scopes: Scopes
) -> tuple[Request, tuple[Diagnostic, ...]]:
    request, notes = step.item.request, []
    for extension in extensions:
        item = replace(step.item, request=request)
        wish = extension.prepare(Turn(item=item, path=step.path, named=True, lookup=lookup, resolve=scopes.replace))
        request = wish.request or request
        notes += [Diagnostic(code="stopped", text=reason) for reason in (wish.stop, wish.skip) if reason]
    return request, tuple(notes)


def _guarded(prepared: Prepared, extensions: Sequence[Extension]) -> str:
    """Why a run would hold the request back; that it could not be sent now, for want of a value, does not count."""
    for extension in extensions:
        try:
            extension.guard(prepared, "item")
        except Refused as refusal:
            return refusal.what
        except SendError:
            continue
    return ""


def _source(step: Step) -> str:
    """The collection that a request is from, and its id there."""
    own = "" if isinstance(step.item.id, MadeUpId) else f", id {step.item.id}"
    return f"From the collection {step.chain[0].name}{own}."


def _for_any_host(address: Address, *, changes: bool) -> str:
    """Why what changes an account is held back where it is only known later which host it goes to."""
    before = ""
    for part in address.base.parts if changes else ():
        if "/" in before.partition("://")[2]:
            break
        if isinstance(part, Use):
            return "it changes an account, and its host is a variable"
        before += part
    return ""


def _behavior(step: Step) -> Mapping[str, Any]:
    merged: dict[str, Any] = {}
    for owner in step.owners:
        merged.update(owner.behavior)
    return merged


def _signed(prepared: Prepared, auth: ModelAuth | None) -> tuple[Prepared, ModelAuth | None]:
    """The request with auth in its headers where that is the same each time; else the auth that is left to the code."""
    if auth is None or auth.type == "noauth":
        return prepared, None
    signed = _signed_now(prepared, auth)
    return signed, None if auth.type in _IN_HEADERS else auth


def _signed_now(prepared: Prepared, auth: ModelAuth) -> Prepared:
    """As the first request that goes out; a token counts as one even where a run would fetch another."""
    if auth.type == "oauth2":
        stored = auth.params["accessToken"]
        shown = replace(auth, params={**auth.params, "accessToken": stored.replace("{{", "").replace("}}", "")})
        prepared = replace(prepared, request=prepared.request and replace(prepared.request, auth=shown))
    return next(schemes.sign(prepared))


# ------------------------------------------------------------------------------------------------------------------- parts


def _headers(prepared: Prepared, marks: StandIns) -> Iterator[tuple[str, Text]]:
    body = prepared.request.body if prepared.request else None
    made_anew = body is not None and body.mode == "formdata" and own_boundary(prepared) is None
    for name, value in prepared.headers:
        lower = name.lower()
        added = lower in prepared.system_headers
        if (added and lower in _EVERY_CLIENT) or (lower == "content-type" and made_anew and prepared.body):
            continue
        if lower == "content-length" and value == str(len(prepared.body or b"")):
            continue
        yield name, marks.text(value)


def _blanks(request: Request, diagnostics: list[Diagnostic]) -> Mapping[str, tuple[str, str]]:
    """Blanks around header values. Newman sends them; a run, and most libraries, must not (RFC 9110, 5.5)."""
    found: dict[str, tuple[str, str]] = {}
    for param in request.headers:
        value = (param.value or "").strip("\r\n")
        bare = value.strip(" \t")
        if not param.disabled and value != bare:
            found[param.key.lower()] = (value[: value.index(bare)], value[value.index(bare) + len(bare) :])
    if found:
        text = f"blanks around a header's value are no part of it, and left out: {', '.join(found)}"
        diagnostics.append(Diagnostic(code="header-blanks", text=text))
    return found


def _auth(left: ModelAuth | None, marks: StandIns) -> Auth | None:
    if left is None:
        return None
    given = resolve_auth(left, marks.numbers.replace).params
    texts = {name: _as_text(value) for name, value in given.items() if value is not None}
    return Auth(type=left.type, params={name: marks.text(text) for name, text in texts.items()})


def _as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else js_text(value)


def _rules(step: Step, sources: Sources) -> Rules:
    given = _behavior(step)
    return Rules(
        follow=bool(given.get("followRedirects", sources.follow)),
        limit=int(given.get("maxRedirects", 10)),
        keep_method=bool(given.get("followOriginalHttpMethod")),
        keep_authorization=bool(given.get("followAuthorizationHeader")),
        referer=not given.get("removeRefererHeaderOnRedirect"),
        verify=bool(given.get("strictSSL", sources.verify)),
        cookies=not given.get("disableCookies"),
        unsent=frozenset(name.lower() for name, off in (given.get("disabledSystemHeaders") or {}).items() if off),
        tls_disabled=tuple(given.get("tlsDisabledProtocols", ())),
        ciphers=tuple(given.get("tlsCipherSelection", ())),
        timeout=sources.timeout,
    )
