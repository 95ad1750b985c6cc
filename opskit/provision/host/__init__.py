"""Files and services of this host: the application's `.env`, its password, systemd's units."""
