"""Whom a gateway serves, and which of them a request is for.

What is where:

    org     an org, the vendors it stands before, and one call of one person
    site    the orgs at one host and path
    others  those that are not listed: made when they are first asked for
    tools   the tool that a vendor calls, by org, upstream and name
"""
