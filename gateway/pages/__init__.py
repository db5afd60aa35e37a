"""What the gateway answers by itself, to those who are signed in, or who sign them in.

What is where:

    staff     a member of staff reads what one person said
    widgets   what a vendor's widget on a page of ours is shown of who sits before it
    chatkit   a session of OpenAI's ChatKit, made with our key
    resource  who signs people in for an MCP server
    whoami    who is asking
    logout    a provider's word that somebody has signed out
"""
