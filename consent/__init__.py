"""May we? Consents, notices and the stage of the decision that knows them; nothing of requests is here."""
