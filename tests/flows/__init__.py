"""Journeys through HTTP only, against real server and worker processes; nothing here imports the apps."""
