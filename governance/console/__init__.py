"""The officers' console: an AdminSite whose pages are our own views, which ask at the door and then call services."""
