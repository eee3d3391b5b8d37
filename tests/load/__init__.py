"""Mixed traffic as real clients make it, checked answer by answer, and the report on it."""
