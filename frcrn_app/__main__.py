"""python -m frcrn_app COMMAND"""

import sys

from frcrn_app.cli.main import main
from frcrn_app.inference.memory import keep_freed_memory

if __name__ == "__main__":
    keep_freed_memory()
    sys.exit(main())
