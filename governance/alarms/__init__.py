"""Insider alarms: rules over the ledger that raise alerts about the service's own staff; nothing here discloses."""
