"""Another configuration takes the place of the one that serves, while it serves.

What is where:

    sighup     the signal, and the swap
    rereading  the file, read beside the traffic: an org that is alike stays the same object
"""
