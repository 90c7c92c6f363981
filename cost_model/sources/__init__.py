"""Where samples come from: one source per compiler or device."""
