"""Reading and writing: tables, files, BIDS datasets."""
