"""Simulated studies with a known truth: BIDS texts, fMRIPrep-like derivatives, and a table of what was planted."""

from deltaroi.simulator.dataset import SimulatedDataset, write_dataset

__all__ = ["SimulatedDataset", "write_dataset"]
