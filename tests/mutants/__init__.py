"""Changes one thing in a module at a time, and asks its tests: would you have noticed?

`operators` makes the mutants, `trial` runs the tests over one, `__main__` over all and reports.
"""
