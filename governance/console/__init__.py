"""The officers' console: Django's admin site with our own pages; it calls services and writes nothing itself."""
