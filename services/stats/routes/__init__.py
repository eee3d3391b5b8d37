"""The endpoints of the stats service."""
