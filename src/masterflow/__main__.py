"""`python -m masterflow` is the command line."""

import sys

from masterflow.cli import main

if __name__ == "__main__":
    sys.exit(main())
