"""The preference centre: pages for anybody who proves an address; they show decisions and call services."""
