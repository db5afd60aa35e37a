"""What operators do about one person, in the store.

What is where:

    names, holdings        all the names of one person, and how much is held under them
    exporting              all of it, as it is
    mentions               rows of usage and audit that name somebody
    blocking, admission    letting somebody in no longer
    renaming               another name; two people made one
    erasing                a person taken out. What stays: tombs, pseudonyms; who comes: returning
"""
