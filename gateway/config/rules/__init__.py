"""What the values of a configuration must be together. One module a table, findings by path.

Paths are those of the long form, except in `sharing`, which judges the file itself.
"""
