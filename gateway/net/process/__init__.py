"""The process that serves, and the others beside it.

What is where:

    server, listener   uvicorn, and its sockets
    workers, turns     several processes, and which of them takes a connection
    signals            those that nobody hears yet, and no more
    systemd            what whoever started it is told
    descriptors        how many clients there is room for
    threads            where what blocks is done
    memory             what is done about what is there by the thousand
"""
