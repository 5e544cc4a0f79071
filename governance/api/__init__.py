"""What every REST door shares: errors, authentication, strict input, headers; no door of its own but operations."""
