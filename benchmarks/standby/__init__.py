"""What the standby sustains, needs and costs."""
