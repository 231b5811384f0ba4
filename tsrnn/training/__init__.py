"""The training loop, which knows no architecture, and the batches it is fed with."""
