"""What operators reach, at a listener of its own: metrics, health, reports. People never do."""
