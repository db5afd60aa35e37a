"""Requests and WebSockets as any ASGI server, or the application around us, has them.

What is where:

    wire, socket  a request and its answer; a WebSocket
    mounted_path  what is left of a path below the mount
"""
