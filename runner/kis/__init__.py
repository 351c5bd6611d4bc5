"""Korea Investment & Securities (KIS): accounts, guard, tokens and a simulator, as an extension of the runner."""
