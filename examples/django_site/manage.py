"""A Django site whose people chat through the gateway.

    pip install django chat-identity-gateway
    cd examples/django_site && export SECRET_KEY=$(openssl rand -hex 32)
    python manage.py migrate && python manage.py runserver 8000
    CHATBASE_KEY=… gateway serve --config gateway.toml

Then open http://localhost:8000. Sessions stay in Django's database: the gateway asks /me.
"""

import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")
if __name__ == "__main__":
    execute_from_command_line(sys.argv)
