"""Files that several threads and processes share: whole or not there, and one writer at a time."""
