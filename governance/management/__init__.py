"""What an operator types; each command calls a service and holds no rules of its own."""
