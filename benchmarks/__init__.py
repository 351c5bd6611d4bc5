"""pabal against Newman on the same collections and the same server: `python -m benchmarks --help`."""
