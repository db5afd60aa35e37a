"""What operators reach, at a listener of its own: metrics, health, reports. People never do.

What is where:

    app, openapi           the application, and its description for programs
    body, query            what is asked
    lists, rows, sending   a page of it, or all of it; how that is written, and sent
    current                the gateway as it is now
    people                 blocking
    health                 how the gateway is, and what it depends on
    throttle               wrong tokens
"""
