"""Pure policy: the vocabulary and the decision; it must not import a framework or touch a database."""
