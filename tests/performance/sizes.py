"""Whether this run measures: otherwise (`make test`) small arrays do, since each benchmark only runs once."""

import sys

MEASURED = "--benchmark-only" in sys.argv
