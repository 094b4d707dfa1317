"""python -m frcrn_app COMMAND"""

import sys

from ._malloc import keep_freed_memory
from .cli import main

if __name__ == "__main__":
    keep_freed_memory()
    sys.exit(main())
