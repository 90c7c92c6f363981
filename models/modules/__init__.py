"""The torch modules behind the zoo; importing them loads torch."""
