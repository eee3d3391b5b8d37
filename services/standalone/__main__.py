"""`python -m standalone` is `horde-reference`."""

import sys

from standalone.cli import main

sys.exit(main())
