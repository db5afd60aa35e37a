"""What operators reach, at a listener of its own: metrics, health, reports. People never do.

What is where:

    app, openapi           the application, and its description for programs
    query, lists, rows     what is asked; a page of it, or all of it; how that is written
    people                 blocking
    health                 how the gateway is, and what it depends on
    throttle               wrong tokens
"""
