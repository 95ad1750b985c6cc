"""What changed on one side since, and how it reaches the other."""
