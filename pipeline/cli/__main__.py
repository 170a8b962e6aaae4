"""`python -m pipeline.cli`: the command where the console script is not installed."""

from pipeline.cli import main

main()
