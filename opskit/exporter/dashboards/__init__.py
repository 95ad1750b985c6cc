"""What people look at in Grafana and in Prometheus' own console, generated from the catalogue."""
