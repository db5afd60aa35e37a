"""The arithmetic of limits: the time is an argument, and who counts is elsewhere.

What is where:

    quota      limits as values, and what an answer says of them
    window     requests in the last so many seconds
    budget     what is held before a call, and settled after it
    fairshare  a vendor's own limit, shared among people
"""
