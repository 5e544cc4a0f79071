"""Connectors to the systems that hold personal data; they decide nothing, they do what a plan says."""
