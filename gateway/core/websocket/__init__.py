"""WebSockets: how one begins, what is said over it, how it ends.

What is where:

    handshake  what is offered as subprotocols
    spoken     one message of a client
    closing    close codes
"""
