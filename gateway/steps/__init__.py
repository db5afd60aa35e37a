"""Steps of an exchange that are more than a function: of some requests, or of several pipelines.

What is where:

    welcome      who is asking: somebody who signed in, or a visitor
    adoption     a conversation that was opened around the gateway: whose is it?
    idempotency  what must not be done twice
    uploading    a form with files, passed on as it comes
    shortcut     a chunk in which nothing is looked for
    interrupt    an end from outside: the client left, the time is up, the gateway stops
    stamp        what every answer carries
    lease        how long a configuration is needed after another has taken its place
    errand       a request that nobody made: the gateway's own, for one person
"""
