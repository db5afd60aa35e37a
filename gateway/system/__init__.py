"""What the machine has: time, chance, names and certificates.

What is where:

    deadline    a moment by which something must have happened
    randomness  random bytes, many at a time
    resolver    the addresses of a host, and the quickest of them
    trust       which certificates are believed
"""
