"""How long a migration takes, beside pgloader and the floor that COPY sets."""
