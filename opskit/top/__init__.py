"""What costs most, and who blocks whom: what `opskit top` shows."""
