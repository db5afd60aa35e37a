"""A request: what it means, what it asks, and what leaves for the vendor.

What is where:

    directory, route           host and path; the operation
    origin, idempotency        may this page ask; has it been asked before
    call, reading, holding     what is asked, reduced to what the operation lists
    spelled, form              an id as clients spell it; a form with files
    plan, destination          the vendor's request, built from nothing
    lookup, contact_call       requests of the gateway's own
"""
