"""The study file: its model, its reading, the grammar of its contrasts."""
