"""Move exact copies into the quarantine, then put them back: python examples/remove_exact_copies.py PHOTOS"""

from __future__ import annotations

import os
import sys
import tempfile

from dedupctl import Library


def main(photos: str) -> None:
    with tempfile.TemporaryDirectory() as home, Library.open(home, create=True) as library:
        library.scan([photos])
        plan = library.plan("safe", changes={"kinds": ("exact",)})
        for action in plan.removals:
            kept = os.fsdecode(action.keeper.absolute) if action.keeper else ""
            print(f"remove {os.fsdecode(action.victim.absolute)}, keep {kept}")
        applied = library.apply(plan, max_remove_share=100)
        print(f"{applied.removed} removed")
        returned = library.restore(plan)
        print(f"{sum(outcome.done for outcome in returned)} restored")


if __name__ == "__main__":
    main(sys.argv[1])
