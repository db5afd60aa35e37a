"""The application that a gateway is mounted in: what each of the two knows of the other.

    caller.py         who makes a request of the application's own: `scope["gateway"]`
    current.py        the same, for a route of a FastAPI application
    host_contacts.py  what the application knows of people, said there
    lifespan.py       its lifespan, with ours around it
    placement.py      where in its middlewares we stand, and what is worth saying of that

`gateway.middleware` is what an application adds.
"""
