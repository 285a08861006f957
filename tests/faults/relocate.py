"""Sets the addresses of artifacts in a copied project, as `tracelate doctor --fix` does."""

from __future__ import annotations

from tracelate.tracking.store.moved_artifacts import relocate

if __name__ == "__main__":
    relocate()
