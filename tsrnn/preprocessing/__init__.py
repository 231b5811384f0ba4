"""Windows of series, their scales and their season profiles: the arithmetic between a panel and a network."""
