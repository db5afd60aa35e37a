"""What the gateway costs, beside what people would use instead: `python -m benchmarks`."""
