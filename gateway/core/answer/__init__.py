"""What an answer tells while it passes.

What is where:

    observe, sought  who watches, and what is looked for
    note, whole      what is noted; an answer that is held until it is whole
    usage            what it cost
    keywatch         our own key in it
"""
