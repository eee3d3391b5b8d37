"""Requests in, commands out; one module for each resource."""
