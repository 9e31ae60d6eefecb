"""Short questions over a screen. Esc always leaves things as they were."""
