"""The operator's page, at the admin listener: how the gateway is, usage, people, audit.

What is where:

    app              the application: who may ask, and what stands at which path
    session          the cookie of an operator who has signed in
    guard            requests of other pages, and by other names
    overview, lists  how all of it is; usage, conversations and the audit trail, page by page
    person           one of those the gateway knows, and who is blocked
    asked, rendering  a request; templates, and how a value is shown
    assets           what the pages load: a style sheet, and scripts
"""
