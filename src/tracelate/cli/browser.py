"""Opens a page in the user's browser as soon as it answers.

python -m tracelate.cli.browser ADDRESS
"""

from __future__ import annotations

import socket
import sys
import time
import webbrowser
from urllib.parse import urlsplit

WAIT_S = 120.0
"""For the server to start."""


def open_when_ready(address: str, wait_s: float = WAIT_S) -> bool:
    """Returns True if the server answered in time and a browser was found."""
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    ends_s = time.monotonic() + wait_s
    while time.monotonic() < ends_s:
        try:
            socket.create_connection((parts.hostname or "", port), timeout=1).close()
        except OSError:
            time.sleep(0.2)
        else:
            return webbrowser.open(address)
    return False


if __name__ == "__main__":
    sys.exit(not open_when_ready(sys.argv[1]))
