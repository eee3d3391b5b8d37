"""The live feed: new revisions over connections that stay open."""
