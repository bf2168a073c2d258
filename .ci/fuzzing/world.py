"""Prints what hooks.py knows of the running services, as JSON: who exists, and with which tokens to call."""

import json
import pathlib
import sys
import urllib.request

users_url, directory, run = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])
# Of the demo world: some known to many, some private, some in a block.
NAMES = ["ada.adler", "bruno.adler", "grace.adler", "nadia.adler", "tomas.adler", "keiko.costa", "hugo.ito"]


def get(path):
    with urllib.request.urlopen(users_url + path) as answer:
        return json.load(answer)


description = get("/openapi.json")
admin = directory / "admin.json"
print(json.dumps({
    "users_url": users_url,
    "run": run,
    "ids": [get(f"/v1/users/by-username/{name}")["id"] for name in NAMES],
    "names": NAMES,
    "id_pattern": description["components"]["schemas"]["UserId"]["pattern"],
    "service_token": (directory / "service-token").read_text().strip(),
    "admin": json.loads(admin.read_text()) if admin.exists() else None,
}))
