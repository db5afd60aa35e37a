"""Sessions of real frameworks: their own apps beside the gateway, and one Cookie field to both."""
