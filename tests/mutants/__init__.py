"""Changes one thing in a module at a time, and asks its tests: would you have noticed?

`operators` makes the mutants, `trial` runs the tests over one, `pool` does so in processes with
clocks, `record` keeps what became of each, and `__main__` goes over them all.
"""
