"""MCP servers.

What is where:

    messages, mirror  what a client asks, and the fields that repeat it
    answers           what the server says
    tools             who may use which
"""
