"""What operators see of the gateway's work: the log, Prometheus metrics, and lines for files."""
