import pytest

from gateway.core.profile.paths import LoosePath


@pytest.mark.parametrize(
    ("template", "path", "fits"),
    [
        ("/a/{x}", "a/b", True),
        ("/A/{x}", "a/b", True),
        ("/a/{x}", "a", False),
        ("/a/{x}", "a/b/c", False),
        ("/a/{+rest}", "a/b/c", True),
        ("/a/{+rest}", "a/", True),
        ("/a/{+rest}", "a", False),
        ("/a/{x}", "a/", False),
        ("/a/{x}/{+rest}", "a//b", False),
        ("/a/{x}/c", "a/b/d", False),
    ],
)
def test_fits_a_path_of_its_segments(template: str, path: str, fits: bool) -> None:
    assert LoosePath.of(template).fits(path.split("/")) is fits


@pytest.mark.parametrize(
    ("template", "plainer"),
    [
        ("/users/export", True),
        ("/users/{id}", False),
        ("/{any}/export", True),
        ("/people/{id}", False),
        ("/users", False),
        ("/{+rest}", False),
    ],
)
def test_is_plainer_with_a_word_where_the_other_has_the_variable(
    template: str, plainer: bool
) -> None:
    ours = LoosePath.of("/users/{user}/{+rest}")
    assert LoosePath.of(template).is_plainer(ours, ("user",)) is plainer
    assert not LoosePath.of(template).is_plainer(ours, ())
