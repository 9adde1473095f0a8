"""``python -m infostat``: the same command as the installed ``infostat``."""

from infostat.cli.main import main

if __name__ == "__main__":
    main()
