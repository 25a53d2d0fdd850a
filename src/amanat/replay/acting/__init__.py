"""What each kind of step does, by the part of a programme's life that it belongs to."""
