"""Dry runs for operators: what would become of a request, with nothing sent.

What is where:

    decisions  the decisions about one request, one after another
    recording  requests that were recorded somewhere else
"""
