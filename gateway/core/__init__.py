"""The pure part: values in, values out. No await, no clock, no socket, no log, no global state."""
