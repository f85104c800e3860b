"""dedupctl knows which photos of a library are the same picture, and proves it.

`Library` is the door for Python programs. It is imported when first asked for, so that `import dedupctl` is cheap.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dedupctl.library import Library

__all__ = ["Library"]


def __getattr__(name: str) -> Any:
    if name == "Library":
        from dedupctl.library import Library

        return Library
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
