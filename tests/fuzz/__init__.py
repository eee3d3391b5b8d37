"""Requests made up from the description of the API, sent to a real process."""
