"""What vendors tell of, and how it is told on.

What is where:

    callback, signature  how a vendor tells, and proves that it is the vendor
    event, ga4           an event, and what Google Analytics has of it
    patience             how long to wait before something is tried again
"""
