"""HTTP in, JSON and server-sent events out: the REST interface under /api/v1."""
