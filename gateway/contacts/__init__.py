"""Contacts: what vendors know of people, kept as the sign-in and the company's own services say."""
