"""``python -m caudate.training`` is the command line."""

from .cli import main

main()
