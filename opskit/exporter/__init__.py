"""The Prometheus exporter: both databases' health and statements, whichever engine each lives in."""
