"""The command line: commands read, call the library, write."""
