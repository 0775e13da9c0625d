"""`python -m floodmark` is the command `floodmark`."""

from floodmark.cli import main

main()
