"""The legacy format: what the files of the GitHub repositories hold, and conversion from and to it."""
