"""The files for those who serve the app agree with each other and with what is installed."""

import base64
import hashlib
import re
import tomllib
from importlib import metadata
from pathlib import Path

import streamlit
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from streamlit.web.server.app_discovery import discover_asgi_app

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
CLOUD = DEPLOY / "community_cloud"
LOCK = (DEPLOY / "requirements.lock").read_text(encoding="utf-8")
LOCKED = {canonicalize_name(name): version for name, version in re.findall(r"^([\w.-]+)==(\S+) \\$", LOCK, re.M)}


def test_the_lock_file_holds_what_is_required_with_torch_for_processors() -> None:
    wanted = dict(line.split("==") for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").split())
    wanted["torch"] += "+cpu"
    locked = {name: LOCKED.get(canonicalize_name(name)) for name in wanted}
    assert locked == wanted, "run deploy/lock.sh"


def test_the_lock_file_holds_all_that_its_packages_need() -> None:
    environment = {"extra": "", "sys_platform": "linux", "platform_system": "Linux", "python_version": "3.11"}
    needed = set()
    for name in LOCKED:
        for text in metadata.requires(name) or []:
            one = Requirement(text)
            if one.marker is None or one.marker.evaluate(environment):
                needed.add(canonicalize_name(one.name))
    assert {name for name in needed - set(LOCKED) if not name.startswith(("nvidia-", "cuda-", "triton"))} == set()


def test_every_package_of_the_lock_file_has_hashes_and_no_address() -> None:
    packages = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.M)[1:]
    assert len(packages) == len(LOCKED) and all(re.search(r"--hash=sha256:[0-9a-f]{64}", package) for package in packages)
    assert "://" not in LOCK and "@" not in LOCK


def test_the_proxy_lets_streamlits_page_run_its_own_script_and_no_other() -> None:
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    scripts = re.findall(r"<script>(.*?)</script>", page, re.S)
    hashes = {"sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts}
    assert set(re.findall(r"sha256-[\w+/]+=", (DEPLOY / "Caddyfile").read_text(encoding="utf-8"))) == hashes


def test_community_cloud_gets_the_apps_own_settings_but_for_the_names_that_it_answers_to() -> None:
    own, cloud = (tomllib.loads((folder / ".streamlit" / "config.toml").read_text(encoding="utf-8")) for folder in (ROOT / "app", CLOUD))
    assert cloud["server"].pop("allowedHosts") == ["*.streamlit.app", *own["server"].pop("allowedHosts")]
    del own["server"]["address"]
    assert cloud == own, "repeat the change in deploy/community_cloud/.streamlit/config.toml"


def test_community_cloud_starts_the_same_server_and_gets_the_torch_of_the_lock_file() -> None:
    assert discover_asgi_app(CLOUD / "streamlit_app.py").is_asgi_app
    (url,) = re.findall(r"^torch @ (\S+)$", (CLOUD / "requirements.txt").read_text(encoding="utf-8"), re.M)
    version, digest = re.search(r"/torch-([\d.]+)%2Bcpu-.*#sha256=(\w+)$", url).groups()  # type: ignore[union-attr]
    assert f"torch=={version}+cpu \\\n    --hash=sha256:{digest}\n" in LOCK
