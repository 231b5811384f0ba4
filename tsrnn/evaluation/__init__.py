"""Backtests: rolling origins, scores and a verdict with its significance."""
