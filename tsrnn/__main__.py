"""Run the command line as a module: ``python -m tsrnn``."""

from tsrnn.commands import main

if __name__ == "__main__":
    main()
