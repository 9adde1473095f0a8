"""The command line: one small file per command, each only parses and calls the public API."""
