"""``python -m upres``."""

import sys

from upres.apps.cli.main import main

sys.exit(main())
