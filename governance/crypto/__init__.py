"""Ciphers, key files, blind indexes and Merkle arithmetic as pure functions; no framework, no other room is known."""
