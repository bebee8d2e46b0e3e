"""Coverage and verdicts of replication cards on the simulated designs; see ``published_designs.__main__``."""
