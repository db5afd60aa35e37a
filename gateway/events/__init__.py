"""Events of vendors, once `gateway.callback` has kept them: on to those who are told.

    envelope.py   how an event is told: its form, for a webhook and for a line of a file
    delivery.py   each once, in order within a conversation, again where it failed
    receivers.py  those that are told over HTTP

Webhooks are signed as Standard Webhooks has it.
"""
