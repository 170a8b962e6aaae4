"""Fetching from a server that fails: it ends right or with a ledger of what failed, and a second run completes it."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest

import kit
from pipeline import errors, paths, session, settings
from pipeline.fetching import addresses as web_names
from pipeline.fetching import batch, ledger
from pipeline.fetching.client import Client, Limits
from pipeline.operations import status as inspection
from pipeline.readers import toc
from web import Answer, Web, serving
from web_references import BY_ADDRESS, GROUPS, INLINE, put, sources

LIMITS = Limits(per_host=2, tries=3, backoff_seconds=0, longest_wait_seconds=0.2, timeout_seconds=5)
PATIENCE = "[fetch]\ntries = 3\nbackoff_seconds = 0\nlongest_wait_seconds = 0.1\ntimeout_seconds = 5\n"
BODY = json.dumps({"in_network": [{"n": n} for n in range(20_000)]}).encode()
PACKED = gzip.compress(BODY, mtime=0)


def zipped(files: int) -> bytes:
    """An archive of as many JSON files, not packed, so that a test may change a byte of them."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(files):
            archive.writestr(f"{number}.json", '{"in_network": [1]}')
    return packed.getvalue()


@pytest.fixture
def web(monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):  # a proxy of the environment would be asked for this machine's own address
        monkeypatch.setenv(name, "127.0.0.1")
    with serving() as one:
        yield one


@pytest.fixture
def root(tmp_path) -> paths.Root:
    folder = tmp_path / "warehouse"
    (folder / "raw").mkdir(parents=True)
    (folder / "luigi.cfg").write_text(PATIENCE)
    made = session.use(folder)
    settings.load(made.path)
    return made


def client(root: paths.Root) -> Client:
    return Client(root, LIMITS)


def quiet(*_) -> None:
    """Nobody is told."""


def get(root: paths.Root, url: str):
    return client(root).download(url, None, quiet)


def fetch(root: paths.Root, *urls: str, folder: Path | None = None) -> dict[str, batch.Outcome]:
    done = []
    with batch.fetching(root) as fetcher:
        fetcher.fetch(urls, folder, quiet, quiet, done.append)
    return {one.url: one for one in done}


# ---- one address --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "script",
    [
        [],
        [Answer(drop=True)],
        [Answer(503), Answer(500)],
        [Answer(429, retry_after="1")],
        [Answer(429, retry_after="Thu, 01 Jan 2099 00:00:00 GMT")],  # longer than we wait
        [Answer(cut=1)],
        [Answer(cut=1000), Answer(503), Answer(cut=2000), Answer(drop=True)],
        [Answer(cut=1000)] * 9,  # more drops than tries, but each brings something
        [Answer(chunked=True)],
    ],
    ids=str,
)
def test_what_comes_in_the_end_is_whole(web: Web, root, script):
    url = web.put("/a.json.gz", PACKED)
    web.script["/a.json.gz"] = list(script)
    whole = get(root, url)
    assert (whole.path.read_bytes(), whole.ending, whole.bytes) == (PACKED, ".json.gz", len(PACKED))
    assert [p.name for p in root.partial.iterdir()] == [whole.path.name]


def test_what_broke_off_is_gone_on_with_by_the_next_run(web, root):
    url = web.put("/a.json.gz", PACKED)
    web.script["/a.json.gz"] = [Answer(cut=1000)] + [Answer(503)] * 3
    with pytest.raises(errors.FetchError, match="503"):
        get(root, url)
    asked = len(web.asked)
    assert get(root, url).path.read_bytes() == PACKED
    (headers,) = web.of("/a.json.gz")[asked:]
    assert headers["Range"] == "bytes=1000-"


def test_a_file_that_came_whole_before_a_kill_does_not_come_again(web, root, monkeypatch):
    url = web.put("/a.json.gz", PACKED)

    def killed(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pipeline.fetching.client._damage", killed)
        with pytest.raises(KeyboardInterrupt):
            get(root, url)
    assert get(root, url).path.read_bytes() == PACKED
    assert [headers.get("Range") for headers in web.of("/a.json.gz")] == [None, f"bytes={len(PACKED)}-"]
    assert [p.name for p in root.partial.iterdir() if p.suffix == ".part"] == []


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("validators", [True, False])
def test_a_file_that_changed_is_not_glued_to_what_is_left_of_the_former(web, root, ranges, validators):
    web.ranges, web.validators = ranges, validators
    url = web.put("/a.json", b'{"in_network": [' + b"1," * 5000 + b"1]}")
    web.script["/a.json"] = [Answer(cut=4000)] + [Answer(drop=True)] * 3
    with pytest.raises(errors.FetchError):
        get(root, url)
    changed = b'{"in_network": [' + b"2," * 5000 + b"2]}"
    web.put("/a.json", changed)
    assert get(root, url).path.read_bytes() == changed


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (PACKED[:-20], "what came is cut off: the gzip stream breaks off after byte"),
        (PACKED[:500] + b"\0" * 50 + PACKED[550:], "what came the gzip stream is damaged after byte"),
        (BODY[:-10], "what came is cut off: its JSON does not end"),
        (zipped(2)[:-40], "what came is no whole zip archive (File is not a zip file)"),
        (zipped(2).replace(b"[1", b"[2", 1), "what came is damaged in 0.json"),
        (b"<html>sorry</html>", "what came is no JSON object: it begins with '<', as a web page does"),
        (b"", "what came is empty (0 bytes)"),
    ],
)
def test_what_came_whole_but_is_damaged_is_not_kept(web, root, data, reason):
    url = web.put("/a.json.gz", data)
    with pytest.raises(errors.FetchError) as caught:
        get(root, url)
    assert caught.value.fact.startswith(reason)
    assert list(root.partial.iterdir()) == []
    web.put("/a.json.gz", PACKED)
    assert get(root, url).sha256 == fetch(root, url)[url].path.stem.partition(".")[0]


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_plain_no_is_not_asked_again(web, root, status):
    url = web.put("/a.json", BODY) + "?Signature=x"
    web.script["/a.json"] = [Answer(status)]
    with pytest.raises(errors.FetchError, match=f"the server answered {status}") as caught:
        get(root, url)
    assert caught.value.status == status
    assert ("its signature may have expired" in caught.value.fact) == (status == 403)
    assert len(web.asked) == 1


def test_a_server_that_gives_nothing_is_given_up_after_as_many_tries_as_are_set(web, root):
    url = web.put("/a.json", BODY)
    web.script["/a.json"] = [Answer(drop=True)] * 20
    with pytest.raises(errors.FetchError):
        get(root, url)
    assert len(web.asked) == LIMITS.tries


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/x", "nowhere", "http://[::1", "http://127.0.0.1:1/x"])
def test_an_address_that_leads_nowhere_is_refused_with_its_reason(root, url):
    with pytest.raises(errors.FetchError) as caught:
        get(root, url)
    assert caught.value.fact


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://h/a.json?Expires=1&Signature=a&Key-Pair-Id=k", "https://h/a.json?&Expires=2&Signature=b&Key-Pair-Id=k", True),
        ("https://h/a.json?X-Amz-Date=1&X-Amz-Signature=a", "https://h/a.json", True),
        ("https://h/a.json?sv=2&se=3&sig=x%3D", "https://h/a.json?sv=2&se=4&sig=y", True),
        ("https://h/get?id=5&Expires=1", "https://h/get?id=5&Expires=2", True),
        ("https://h/get?id=5", "https://h/get?id=6", False),
        ("https://h/get?st=GA", "https://h/get?st=TX", False),  # a state, where there is no signature
        ("https://h/a.json", "https://h/b.json", False),
    ],
)  # fmt: skip
def test_an_address_signed_anew_is_the_same_file(one, other, same):
    assert (web_names.identity(one) == web_names.identity(other)) == same


# ---- many ---------------------------------------------------------------------------------------------------------


def test_a_batch_ends_on_record_and_a_second_run_completes_it(web, root):
    web.pause = 0.02
    folder = root.mrf / "GA"
    names = ["fine", "forbidden", "gone", "overrun", "flaky", "cut"]
    urls = {name: web.put(f"/{name}.json.gz", gzip.compress(BODY + b" " * n)) for n, name in enumerate(names)}
    web.script["/forbidden.json.gz"] = [Answer(403)]
    web.script["/gone.json.gz"] = [Answer(404)]
    web.script["/overrun.json.gz"] = [Answer(429, retry_after="9999")] * 3
    web.script["/flaky.json.gz"] = [Answer(cut=500), Answer(503), Answer(drop=True)]
    whole = web.files["/cut.json.gz"]
    web.files["/cut.json.gz"] = whole[:-30]

    first = fetch(root, *urls.values(), folder=folder)
    assert {name: first[url].state for name, url in urls.items()} == {
        "fine": "fetched", "forbidden": "failed", "gone": "failed", "overrun": "failed", "flaky": "fetched", "cut": "failed",
    }  # fmt: skip
    kept = ledger.Ledger(root)
    assert {name: kept.failure(url)["reason"][:25] for name, url in urls.items() if kept.failure(url)} == {
        "forbidden": "the server answered 403 F",
        "gone": "the server answered 404 N",
        "overrun": "the server answered 429 T",
        "cut": "what came is cut off: the",
    }
    assert sorted(p.name for p in folder.iterdir()) == ["fine.json.gz", "flaky.json.gz"]

    web.files["/cut.json.gz"] = whole
    second = fetch(root, *urls.values(), folder=folder)
    assert {name: second[url].state for name, url in urls.items()} == dict.fromkeys(names, "fetched") | {
        "fine": "here", "flaky": "here",
    }  # fmt: skip
    assert all((folder / f"{name}.json.gz").read_bytes() == web.files[f"/{name}.json.gz"] for name in names)
    assert list(root.partial.iterdir()) == []
    assert web.of("/fine.json.gz")[-1]["If-None-Match"]
    assert {one.state for one in fetch(root, *urls.values(), folder=folder).values()} == {"here"}
    assert web.most_busy <= settings.fetch().per_host


def test_one_file_under_several_addresses_and_names_is_placed_once(web, root):
    folder = root.mrf / "GA"
    url = web.put("/files/a%20b%3Fc.json.gz", PACKED)
    signed = [f"{url}?Expires={n}&Signature=s%2F{n}" for n in (1, 2)]
    assert [one.state for one in fetch(root, *signed, folder=folder).values()] == ["fetched"]
    assert len(web.asked) == 1
    assert [p.name for p in folder.iterdir()] == ["a b_c.json.gz"]
    assert (
        fetch(root, f"{url}?Expires=3&Signature=x", folder=folder).popitem()[1].state == "here"
    )  # asked, and the same
    mirror = web.put("/mirror.json.gz", PACKED)
    assert fetch(root, mirror, folder=folder)[mirror].state == "here"  # by its content, under another name
    assert fetch(root, mirror, folder=folder)[mirror].state == "here"
    assert [p.name for p in folder.iterdir()] == ["a b_c.json.gz"]

    # Another state's folder has a file of its own; a file of the user's is never replaced; a newer one of ours is.
    fetch(root, url, folder=root.mrf / "TX")
    assert (root.mrf / "TX" / "a b_c.json.gz").read_bytes() == PACKED
    (folder / "mine.json").write_bytes(b"{}")
    other = web.put("/mine.json", BODY)
    path = fetch(root, other, folder=folder)[other].path
    assert (folder / "mine.json").read_bytes() == b"{}"
    assert (path.read_bytes(), path.suffix) == (BODY, ".json")
    web.put("/mine.json", BODY + b" ")
    assert fetch(root, other, folder=folder)[other].path == path
    assert path.read_bytes() == BODY + b" "

    # Packed from now on, or by now the same as another: what it replaces goes. What another address gives as well stays.
    web.put("/mine.json", gzip.compress(BODY + b"  "))
    packed = fetch(root, other, folder=folder)[other].path
    assert sorted(p.name for p in folder.iterdir()) == ["a b_c.json.gz", packed.name, "mine.json"]
    web.put("/mine.json", PACKED)
    assert fetch(root, other, folder=folder)[other].path == folder / "a b_c.json.gz"
    assert sorted(p.name for p in folder.iterdir()) == ["a b_c.json.gz", "mine.json"]
    web.put("/mirror.json.gz", gzip.compress(BODY + b"   "))
    mirrored = fetch(root, mirror, folder=folder)[mirror].path
    assert (folder / "a b_c.json.gz").read_bytes() == PACKED
    assert mirrored.name == "mirror.json.gz"

    web.put("/mine.json", BODY + b" ")
    path = fetch(root, other, folder=folder)[other].path

    # A file that was changed by hand is no longer what was fetched.
    path.write_bytes(b"{}")
    assert fetch(root, other, folder=folder)[other].state == "fetched"
    assert path.read_bytes() == BODY + b" "


@pytest.mark.parametrize("packed", [False, True])
def test_the_next_month_under_the_same_address_leaves_the_last_one_alone(web, root, packed):
    def of(day: str) -> bytes:
        text = json.dumps({"in_network": [0] * 50_000, "last_updated_on": day}).encode()
        return gzip.compress(text, mtime=0) if packed else text

    url, folder = web.put("/latest.json", of("2025-07-01")), root.mrf / "GA"
    july = fetch(root, url, folder=folder)[url].path
    web.put("/latest.json", of("2025-07-09"))  # July again, mended
    assert fetch(root, url, folder=folder)[url].path == july
    assert july.read_bytes() == of("2025-07-09")
    web.put("/latest.json", of("2025-08-01"))
    august = fetch(root, url, folder=folder)[url].path
    assert (july.read_bytes(), august.read_bytes()) == (of("2025-07-09"), of("2025-08-01"))
    assert fetch(root, url, folder=folder)[url].state == "here"
    assert len(list(folder.iterdir())) == 2


def test_a_file_is_named_after_what_it_is(web, root):
    folder = root.mrf / "GA"
    urls = [web.put("/plain.json.gz", BODY), web.put("/packed.json", PACKED), web.put("/get", gzip.compress(BODY, 1))]
    urls.append(web.put("/several.json", zipped(2)))  # whole as it is; the build says what to do with it
    fetch(root, *urls, folder=folder)
    assert sorted(p.name for p in folder.iterdir()) == ["get.json.gz", "packed.json.gz", "plain.json", "several.zip"]


def test_a_ledger_that_a_kill_cut_off_loses_one_line(root):
    book = ledger.Ledger(root)
    book.put("https://h/a", ledger.FAILED, reason="x")
    with open(root.ledger, "ab") as file:
        file.write(b'{"url": "https://h/b", "outc')
    book.put("https://h/c", ledger.FAILED, reason="y")
    again = ledger.Ledger(root)
    assert [bool(again.failure(f"https://h/{name}")) for name in "abc"] == [True, False, True]


def test_one_fetch_at_a_time(root):
    with batch.fetching(root), pytest.raises(errors.LockedError), batch.fetching(root):
        pass


# ---- tables of contents -------------------------------------------------------------------------------------------


def contents(web: Web, **files: str) -> dict:
    plan = {"plan_name": "Gold PPO", "plan_id_type": "hios", "plan_id": "1", "plan_market_type": "group"}
    entries = [{"description": name, "location": url} for name, url in files.items()]
    return {
        "reporting_entity_name": "Acme",
        "reporting_structure": [
            {"reporting_plans": [plan, plan], "in_network_files": entries[:2]},
            {"reporting_plans": [{**plan, "plan_name": "Silver"}], "in_network_files": entries[1:]},
        ],
    }


def test_a_table_of_contents_lists_each_file_once_with_its_plans(real, tmp_path):
    found = toc.read(real / "toc" / "table-of-contents-sample.json")
    assert [(f.url.rpartition("/")[2], [p.plan_name for p in found.plans(f)]) for f in found.files] == [
        ("in-network-file-123456.json", ["medicaid", "medicare"]),
        ("behavioral-health-0000.json", ["medicaid", "medicare"]),
        ("chip-in-network-file.json", ["chip"]),
    ]
    fidelis = json.loads((real / "toc" / "toc_fidelis_sample.json").read_text())
    listed = {f["location"] for s in fidelis["reporting_structure"] for f in s["in_network_files"]}
    found = toc.read(real / "toc" / "toc_fidelis_sample.json")
    assert ({f.url for f in found.files}, len(found.files), found.oddities) == (listed, len(listed), [])
    odd = {
        "reporting_structure": [
            7,
            {"reporting_plans": {"plan_name": "one"}, "in_network_files": [{}, {"location": "u"}]},
        ]
    }
    found = toc.read(put(tmp_path / "odd.json", odd))
    assert [found.plans(f)[0].plan_name for f in found.files] == ["one"]
    assert len(found.oddities) == 2
    with pytest.raises(errors.SourceError, match="is an in-network file, not a table of contents"):
        toc.read(put(tmp_path / "other.json", INLINE))


def test_from_a_table_of_contents_to_files(web, root):
    data = {name: json.dumps({**INLINE, "plan_name": name}).encode() for name in ("one", "two", "three")}
    urls = {
        name: web.put(f"/mrf/{name} x.json".replace(" ", "%20"), body) + "?Signature=a" for name, body in data.items()
    }
    address = web.put("/index.json", json.dumps(contents(web, **urls)).encode())
    web.script["/mrf/three%20x.json"] = [Answer(403)]  # no size is told
    shown = kit.ratehouse(root.path, "toc", address, "--json")
    assert shown.returncode == 0, shown.stderr
    rows = {row["description"]: row for row in kit.json_lines(shown.stdout)}
    assert {n: (row["bytes"], len(row["plans"]), row["here"]) for n, row in rows.items()} == {
        "one": (len(data["one"]), 1, None), "two": (len(data["two"]), 2, None), "three": (None, 1, None),
    }  # fmt: skip

    web.script["/mrf/two%20x.json"] = [Answer(503), Answer(404)]
    done = kit.ratehouse(root.path, "fetch", address, "--state", "GA", "--match", "gold")
    assert done.returncode == 1
    assert done.stdout.startswith("1 file fetched (")
    assert "FAILED http://127.0.0.1" in done.stderr
    assert "Retry" not in done.stderr
    assert done.stderr.rstrip().endswith(f"--root {root.path} fetch {address} --state GA --match gold")
    done = kit.ratehouse(root.path, "fetch", address, "--state", "GA", "--match", "gold")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"  ratehouse --root {root.path} build")
    assert "1 here already, 0 failed" in done.stdout
    assert sorted(p.name for p in (root.mrf / "GA").iterdir()) == ["one x.json", "two x.json"]
    assert web.of("/mrf/three%20x.json") == []  # only its size was asked for

    shown = kit.ratehouse(root.path, "toc", address, "--no-sizes")
    assert "here: raw/mrf/GA/two x.json" in " ".join(shown.stdout.split())
    assert shown.stdout.endswith("3 files, 2 here, 0 bytes as far as servers tell\n")
    shown = kit.ratehouse(root.path, "toc", address, "--no-sizes", "--match", "SILVER", "--limit", "1")
    assert shown.stdout.splitlines()[0] == urls["two"]
    assert shown.stdout.splitlines()[-1].startswith("1 file, ")


@pytest.mark.parametrize(
    "words",
    [
        ["fetch"],
        ["fetch", "x.json", "--references"],
        ["fetch", "x.json"],
        ["fetch", "x.json", "--state", "ZZ"],
        ["fetch", "no-such.json", "--state", "GA"],
        ["toc", "no-such.json"],
    ],
    ids=" ".join,
)
def test_a_command_that_cannot_be_meant_is_refused(root, words):
    from click.testing import CliRunner

    from pipeline import cli

    caught = CliRunner().invoke(cli.group, ["--root", str(root.path), *words]).exception
    assert isinstance(caught, errors.UsageError)


# ---- references ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_references_are_fetched_and_their_rates_resolved(web, root):
    paths_of = [f"/groups/{n}.json" for n in (1, 2)]
    urls = [
        web.put(path, json.dumps({"provider_groups": groups}).encode())
        for path, groups in zip(paths_of, GROUPS.values(), strict=True)
    ]
    file = {**BY_ADDRESS, "provider_references": [
        {"provider_group_id": name, "location": url} for name, url in zip(("1.50", "2"), urls, strict=True)
    ]}  # fmt: skip
    put(root.mrf / "GA" / "url.json", file)
    good = web.files[paths_of[1]]
    web.files[paths_of[1]] = b'{"error": "come back later"}'
    done = kit.ratehouse(root.path, "fetch", "--references", "--state", "TX")
    assert (done.returncode, web.asked) == (0, [])
    done = kit.ratehouse(root.path, "fetch", "--references")  # before anything was built
    assert done.returncode == 1
    assert "what came is no provider-reference file: it lists no provider_groups" in " ".join(done.stderr.split())

    asked = len(web.asked)
    outcome = kit.build(root.path)
    assert (outcome.ok, outcome.missing_references) == (True, [("mrf/GA/url.json", 1)])
    assert len(web.asked) == asked  # a build never asks anybody
    assert sources(root.path)["url"]["unresolved"] == 1

    web.files[paths_of[1]] = good
    done = kit.ratehouse(root.path, "fetch", "--references")
    assert done.returncode == 0, done.stderr
    assert len(web.asked) == asked + 1  # what is here is not asked for
    inspection.begin()
    assert inspection.why("raw/mrf/GA/url.json").endswith(f"its input reference {urls[1]} is new")
    done = kit.ratehouse(root.path, "fetch", "--references")
    assert done.stdout == "0 references fetched (0 bytes), 0 here already, 0 failed\n"
