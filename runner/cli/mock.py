"""`pabal mock`: a collection's saved examples as a server on this machine."""

from __future__ import annotations

from typing import Any

import rich_click as click

from runner.assemble import Session
from runner.cli.config import ConfiguredCommand
from runner.cli.options import options_from, variable_options
from runner.cli.watch import stamps
from runner.errors import ExitCode, UsageError
from runner.mock.match import Saved, saved_examples


@click.command("mock", cls=ConfiguredCommand, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("collection", metavar="COLLECTION")
@variable_options
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Where to listen; default: a free port.")
def command(collection: str, port: int, **values: Any) -> int:
    """Serve the examples saved in a collection on this machine, until Ctrl-C. The file may change: it is read again.

    The example most like a request answers it: method, path, path variables and query count, and `x-mock-response-code`
    or `x-mock-response-name` choose among several. A request that no example answers gets 404 with the list of what there is.

    \b
    pabal mock orders.postman_collection.json --port 4010
    curl -H 'x-mock-response-code: 404' http://127.0.0.1:4010/orders/7
    """
    from runner.mock.server import MockServer

    def examples() -> tuple[Saved, ...]:
        with Session(collection, options_from(values, {})) as session:
            return saved_examples(session.collection, session.scopes.replace)

    files = [collection, *filter(None, (values["environment"], values["globals_"]))]
    try:
        server = MockServer(examples, port=port, stamp=lambda: stamps(files), log=lambda line: click.echo(line, err=True))
    except OSError as error:
        raise UsageError(f"the mock cannot listen there: {error.strerror or error}", hint="choose another --port") from error
    click.echo(server.url)
    count = len(server.examples)
    click.echo(
        f"{count} example{'s' if count != 1 else ''}; Ctrl-C ends it." if count else "There is no saved example.", err=True
    )
    try:
        server.serve()
    except KeyboardInterrupt:
        return ExitCode.OK
    return ExitCode.OK
