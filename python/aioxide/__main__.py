"""``python -m aioxide``: the command ``aioxide``, for where its script is not on the path."""

import sys

from aioxide.cli import main

if __name__ == "__main__":
    sys.exit(main())
