"""Run the command line from a checkout: ``python cli.py backtest datasets/prices.csv``."""

from tsrnn.commands import main

if __name__ == "__main__":
    main()
