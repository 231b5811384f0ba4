"""Detect anomalies: points that are improbable under a network's own causal forecast."""
