"""`python -m runner`: the `pabal` command."""

from runner.cli import main

main()
