"""Contacts: what vendors know of people, kept as the sign-in and the company's own services say.

What is where:

    sync, office           the contacts of one upstream, written; the vendor, asked about them
    push                   what the company's own service says
    recall                 what is still owed, taken up again
"""
