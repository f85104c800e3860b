"""`python -m dedupctl`."""

from dedupctl.cli import main

if __name__ == "__main__":
    main()
