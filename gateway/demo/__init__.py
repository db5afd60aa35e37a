"""`gateway demo`: a real gateway before a small chat vendor, people to be, a page to chat on."""
