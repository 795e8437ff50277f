"""How the threads of torch wait for one another beside other programs.

Nothing here imports torch: OpenMP reads its variables when it is loaded with torch.
"""

from __future__ import annotations

import os


def wait_passively() -> None:
    """Let threads without work sleep, unless OMP_WAIT_POLICY says otherwise.

    By default they spin: if another process takes a core, one thread spins on its own
    core for as long as the other, which it waits for, gets none. Beside one busy
    process a step then takes several times as long. Call it before torch is imported.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
