"""Print the copies of one picture: python examples/find_copies.py PHOTOS IMAGE"""

from __future__ import annotations

import os
import sys
import tempfile

from dedupctl import Library


def main(photos: str, image: str) -> None:
    with tempfile.TemporaryDirectory() as home, Library.open(home, create=True) as library:
        library.scan([photos])
        for match in library.find(image):
            print(f"{match.kind.value:8}{match.score:5.2f}  {os.fsdecode(match.file.path)}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
