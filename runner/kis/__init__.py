"""Korea Investment & Securities (KIS): accounts, guard, tokens, limits, checks and a simulator, as an extension of the runner."""
