"""Reads of requests for pages and panels, each in a constant number of queries; nothing here writes or reveals."""
