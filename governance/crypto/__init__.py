"""Ciphers, key files, blind indexes and Merkle arithmetic as pure functions; no framework, no other room is known."""

#: What database drivers hand back for a binary column.
BytesLike = bytes | bytearray | memoryview
