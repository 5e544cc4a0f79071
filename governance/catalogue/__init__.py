"""The data map, purposes and retention: what is held where, for what, and for how long; carries nothing out."""
