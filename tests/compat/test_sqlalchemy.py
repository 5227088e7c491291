"""ORM queries through regions, in the style of SQLAlchemy's dogpile example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import create_engine, event, select
from sqlalchemy.orm import (
    DeclarativeBase,
    Mapped,
    Session,
    mapped_column,
    sessionmaker,
)
from sqlalchemy.orm.interfaces import UserDefinedOption
from sqlalchemy.pool import StaticPool

from dogpile_cache import NO_VALUE, CacheRegion, make_region
from dogpile_cache.testing import SettableClock
from tests.servers import Redis


class Base(DeclarativeBase):
    pass


class Person(Base):
    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class FromCache(UserDefinedOption):
    """Say that the result of a statement is to come from a region."""

    propagate_to_loaders = False

    def __init__(
        self,
        region: str = "default",
        expiration_time: float | None = None,
        ignore_expiration: bool = False,
    ) -> None:
        super().__init__()
        self.region = region
        self.expiration_time = expiration_time
        self.ignore_expiration = ignore_expiration


class ORMCache:
    """Add an ORM cache to sessions."""

    def __init__(self, regions: dict[str, CacheRegion]) -> None:
        self.regions = regions

    def listen_on(self, sessions: Any) -> None:
        event.listen(sessions, "do_orm_execute", self._execute)

    def _execute(self, context: Any) -> Any:
        for option in context.user_defined_options:
            if isinstance(option, FromCache):
                region = self.regions[option.region]
                key = key_of(context.statement, context.parameters or {})
                return self._result(context, region, option, key)
        return None

    def _result(
        self, context: Any, region: CacheRegion, option: FromCache, key: str
    ) -> Any:
        if option.ignore_expiration:
            frozen = region.get(key, ignore_expiration=True)
            assert frozen is not NO_VALUE
        else:
            frozen = region.get_or_create(
                key,
                lambda: context.invoke_statement().freeze(),
                expiration_time=option.expiration_time,
            )
        from sqlalchemy.orm import loading

        merged = loading.merge_frozen_result(
            context.session, context.statement, frozen, load=False
        )
        return merged()

    def invalidate(self, statement: Any, region: str) -> None:
        self.regions[region].delete(key_of(statement, {}))


def key_of(statement: Any, parameters: dict[str, Any]) -> str:
    compiled = statement.compile(compile_kwargs={"render_postcompile": True})
    return f"{compiled} {sorted({**compiled.params, **parameters}.items())}"


@pytest.fixture
def queries() -> list[str]:
    return []


@pytest.fixture
def sessions(queries: list[str]) -> Any:
    engine = create_engine("sqlite://", poolclass=StaticPool)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Person(id=n, name=f"person {n}") for n in range(1, 6)])
        session.commit()
    event.listen(engine, "before_cursor_execute", lambda *args: queries.append(args[2]))
    yield sessionmaker(engine)
    engine.dispose()


Listening = Callable[[CacheRegion], ORMCache]


@pytest.fixture
def listening(sessions: Any) -> Listening:
    def listen(region: CacheRegion) -> ORMCache:
        cache = ORMCache({"default": region})
        cache.listen_on(sessions)
        return cache

    return listen


def names(sessions: Any, statement: Any) -> list[str]:
    with sessions() as session:
        return [person.name for person in session.scalars(statement)]


FIRST_TWO = select(Person).where(Person.id < 3).order_by(Person.id)


@pytest.mark.parametrize("backend", ["memory", "memory_pickle", "redis"])
def test_a_statement_is_executed_once(
    sessions: Any,
    queries: list[str],
    listening: Listening,
    backend: str,
    request: pytest.FixtureRequest,
) -> None:
    arguments = {}
    if backend == "redis":
        server: Redis = request.getfixturevalue("redis_server")
        arguments = {"port": server.port, "distributed_lock": True}
    region = make_region(key_mangler=lambda key: f"sqlalchemy {hash(key)}")
    region.configure(f"dogpile.cache.{backend}", arguments=arguments)
    listening(region)
    cached = FIRST_TWO.options(FromCache())
    for _ in range(3):
        assert names(sessions, cached) == ["person 1", "person 2"]
    assert len(queries) == 1
    assert names(sessions, FIRST_TWO) == ["person 1", "person 2"]
    assert len(queries) == 2


def test_statements_with_other_parameters_have_results_of_their_own(
    sessions: Any, queries: list[str], listening: Listening
) -> None:
    listening(make_region().configure("dogpile.cache.memory"))
    for number in (1, 2, 1):
        statement = select(Person).where(Person.id == number).options(FromCache())
        assert names(sessions, statement) == [f"person {number}"]
    assert len(queries) == 2


def test_results_expire_are_invalidated_and_taken_in_spite_of_it(
    sessions: Any, queries: list[str], listening: Listening
) -> None:
    clock = SettableClock()
    region = make_region(clock=clock).configure("dogpile.cache.memory")
    cache = listening(region)
    cached = FIRST_TWO.options(FromCache(expiration_time=10))
    names(sessions, cached)
    clock.move(11)
    kept = FIRST_TWO.options(FromCache(ignore_expiration=True))
    assert names(sessions, kept) == ["person 1", "person 2"]
    assert len(queries) == 1
    names(sessions, cached)
    assert len(queries) == 2
    cache.invalidate(FIRST_TWO, "default")
    names(sessions, cached)
    assert len(queries) == 3
