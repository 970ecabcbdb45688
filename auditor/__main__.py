"""How is `python -m auditor` the same as `auditor`? The folder it was started from is no place to import from, unless we lie there."""

import os
import sys

if not sys.flags.safe_path and sys.path[0] != os.path.dirname(os.path.dirname(os.path.abspath(__file__))):
    del sys.path[0]

from auditor.entry import main

sys.exit(main())
