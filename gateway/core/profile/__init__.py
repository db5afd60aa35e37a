"""What a vendor's profile is made of, as data.

What is where:

    vendor, operation, place  where a user id stands, and what end users may ask
    guard, names, shape       what becomes of a member of a body, by its name and place
    metered, problem_shape    how a vendor tells what it cost, and what went wrong
    contact, doors            its contacts; an application that is its own vendor
    paths                     a path as routers that ignore case take it
"""
