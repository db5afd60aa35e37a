"""`gateway demo`: a real gateway before a small chat vendor, people to be, a page to chat on.

What is where:

    serve, server          all of it put together, on ports of this machine
    host, sign_in, people  the companies' app, and who takes part
    vendor, answers, shop  the chat vendor, what it says and what it knows;
                           conversations, pages: what it remembers, and lists of that
    recorder               both sides of the wire, for the page
    configuration, curl    the gateway's own file; the command that tries to cheat
"""
