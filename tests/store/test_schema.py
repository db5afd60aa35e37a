from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from gateway.store.schema import HEAD, VERSION_TABLE, metadata
from gateway.store.store import Store

pytestmark = pytest.mark.anyio


def scripts() -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", "gateway.store:migrations")
    return ScriptDirectory.from_config(config)


async def test_the_migrations_make_what_the_schema_describes(store: Store, path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []
        assert context.get_current_revision() == HEAD
    engine.dispose()


def test_head_is_the_newest_migration() -> None:
    assert scripts().get_current_head() == HEAD


def test_later_migrations_sort_after_earlier_ones() -> None:
    revisions = [script.revision for script in scripts().walk_revisions()]
    assert revisions == sorted(revisions, reverse=True)
