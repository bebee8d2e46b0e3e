"""Group statistics on plain arrays: numpy and scipy only, no files, no tables."""
