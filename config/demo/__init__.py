"""The demonstration company: made-up people and systems; refuses to touch a production installation."""
