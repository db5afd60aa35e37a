"""Small apps by real frameworks, each a process of its own: `python -m tests.hosts.flask_app`.

They take their secrets from the environment (`tests.support.host_apps`), listen on a port of their
own choice and print it. `POST /sign-in` puts the JSON object it is sent into the session, unless
the framework has a sign-in of its own; `GET /me` says who that is: `{"user": …}`, null for nobody.
"""
