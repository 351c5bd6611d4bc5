"""Authentication schemes behind one generator protocol.

A scheme is `flow(prepared, params) -> Generator[Prepared, Response, None]`: it yields the request to send and is sent
the response; it may yield again (a digest replay, a token call). It does no I/O, so every request it asks for goes
through the one door. The parameters arrive with variables resolved.
"""
