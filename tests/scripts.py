"""Running one script in a sandbox and looking at all it said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from runner.sandbox import Answer, Console, Execution, Running, Said, ScriptResult
from runner.sandbox.v8 import V8Sandbox

REQUEST = {"url": "http://localhost/orders?a=1", "method": "POST", "header": [{"key": "X-A", "value": "1"}]}
RESPONSE = {
    "code": 200,
    "status": "OK",
    "responseTime": 7,
    "header": [{"key": "Content-Type", "value": "application/json"}],
    "body": '{"a": 1, "list": [1, 2]}',
}


@dataclass
class Ran:
    said: list[Said]
    result: ScriptResult

    def of(self, kind: type) -> list[Any]:
        return [each for each in self.said if isinstance(each, kind)]

    @property
    def printed(self) -> list[Any]:
        return [value for each in self.of(Console) for value in each.messages]


def run(sandbox: V8Sandbox, code: str, answers: dict[type, Answer] | None = None, **settings: Any) -> Ran:
    settings = {"listen": "test", "request": REQUEST, "response": RESPONSE, **settings}
    conversation = sandbox.run(Execution(code=code, **settings))
    said: list[Said] = []
    answer: Answer = None
    assert isinstance(next(conversation), Running)
    while True:
        try:
            said.append(conversation.send(answer))
        except StopIteration as stop:
            return Ran(said, stop.value)
        answer = (answers or {}).get(type(said[-1]))
