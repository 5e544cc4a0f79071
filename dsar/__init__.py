"""Requests by the data subject: what do you hold on me, change it, send it, delete it."""
