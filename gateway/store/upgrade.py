"""The migrations, run on a connection whose transaction is its caller's."""

from sqlalchemy import Connection


def upgrade(connection: Connection) -> None:
    """Bring what is there to its newest form."""
    # Imported here: it costs a quarter of a second, and most starts find nothing to do.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "gateway.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
