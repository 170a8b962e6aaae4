"""`python -m pipeline.cli`: the command where the console script is not installed.

What must not come in: anything but that.
"""

from pipeline.cli import main

main()
