"""``adrec site`` for the bundled runs: the lesson."""

from adrec.lesson import models, setup
from adrec.site import pages
from adrec.site.folder import Folder


def site() -> Folder:
    """The site of the bundled runs."""
    folder = Folder()
    pages.write(folder, {"learn": lesson(folder, ["learn"])})
    return folder


def lesson(folder: Folder, names: list[str]) -> bytes:
    """What the lesson is sent; its models' weights are files of their own. names: of the site's pages, to which doors lead."""
    sources = {
        name: {"run": models.description(run), "url": folder.add(f"model-{name}.bin", models.weights(run).read_bytes())}
        for name, run in models.models(setup.ASSETS / "runs").items()
    }
    return setup.data(setup.bundled(), "site", sources, pages=pages.addresses(names))
