"""For ``python -m creditd.cli``, which is the same as ``creditd``."""

import sys

from creditd.cli.main import main

sys.exit(main())
