"""The stats service: statistics, deletion risk, popularity, usage history (statistics.md)."""
