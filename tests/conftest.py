"""Fixtures every test may use."""

import gc
from collections.abc import Generator, Iterator
from contextlib import ExitStack

import pytest
from hypothesis import settings

from tests.support import entries, over_http2, postgres, replicas
from tests.support.stores import SQLITE, AStore


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--stage",
        choices=["one", "asgi", "http2", "replicas"],
        default="one",
        help="what a stage's gateway is: one here on a file, the same called over ASGI, the same "
        "that asks its vendors over HTTP/2, or two processes on PostgreSQL",
    )


def pytest_configure(config: pytest.Config) -> None:
    if settings.get_current_profile_name() == "default":
        settings.register_profile("busy", deadline=None)  # as that of CI: no test is about time
        settings.load_profile("busy")
    replicas.WANTED = config.getoption("--stage") == "replicas"
    entries.ASGI = config.getoption("--stage") == "asgi"
    over_http2.WANTED = config.getoption("--stage") == "http2"
    if over_http2.WANTED:
        trusted = over_http2.trusted()
        trusted.__enter__()
        config.add_cleanup(lambda: trusted.__exit__(None, None, None))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is collected stays to the end: no search for garbage is to look at it again.

    Of 27,000 tests a search took 0.28 s, and some tests search.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    for mark in item.iter_markers("one_process"):
        if replicas.WANTED:
            pytest.skip(f"is about one process: {mark.args[0]}")
    for mark in item.iter_markers("over_http1"):
        if over_http2.WANTED:
            pytest.skip(f"is about vendors in HTTP/1.1: {mark.args[0]}")


@pytest.fixture
def anyio_backend() -> str:
    """The product runs on asyncio; so do its tests."""
    return "asyncio"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """With `STORES = BOTH`, those tests of a module that use a store run once on each.

    Replicas have one store, whatever they are told.
    """
    stores = None if replicas.WANTED else getattr(metafunc.module, "STORES", None)
    if stores and "store_kind" in metafunc.fixturenames:
        metafunc.parametrize("store_kind", stores, scope="module")


@pytest.fixture(scope="module")
def store_kind() -> str:
    """Which database the stores are in."""
    return SQLITE


def stores_of(kind: str) -> Iterator[AStore]:
    with ExitStack() as stack:
        on_a_file = kind == SQLITE and not replicas.WANTED
        yield lambda: None if on_a_file else stack.enter_context(postgres.store())


@pytest.fixture(scope="module")
def a_store(store_kind: str) -> Iterator[AStore]:
    """Makes a store for a stage: `store=a_store()`. None: the file that it would have anyway."""
    yield from stores_of(store_kind)


@pytest.fixture
def own_store(store_kind: str) -> Iterator[AStore]:
    """As `a_store`, for a stage that ends with its test."""
    yield from stores_of(store_kind)
