"""What would run, what ran, and what can be left as it is."""
