# `python -m fullspeed` is the same as the `fullspeed` command.
"""Runs the command line."""

from fullspeed._launch import main

main()
