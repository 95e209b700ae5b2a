//! The daemon as qBittorrent's programs see it: what they ask, what they read, and what is on the disk then.

use std::fs;

use crate::common::driven::{Driven, driven_by};
use crate::common::http::Answer;
use crate::common::namespace::Needs;
use crate::common::torrent::Torrent;
use serde_json::{Value, json};

/// A program that has logged in.
struct Client<'a> {
    daemon: &'a Driven,
    cookie: String,
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

impl<'a> Client<'a> {
    fn new(daemon: &'a Driven, token: &str) -> Self {
        let body = format!("username=me&password={token}");
        let answer = daemon.ask("/api/v2/auth/login", &[FORM], Some(&body));
        assert_eq!((answer.status, &answer.body[..]), (200, &b"Ok."[..]));
        let cookie =
            answer.header("set-cookie").and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned();
        assert!(cookie.starts_with("SID=") && answer.header("set-cookie").is_some_and(|c| c.contains("HttpOnly")));
        Self { daemon, cookie }
    }

    fn get(&self, path: &str) -> Answer {
        self.daemon.ask(&format!("/api/v2/{path}"), &[("Cookie", &self.cookie)], None)
    }

    #[track_caller]
    fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    fn post(&self, path: &str, body: &str) -> Answer {
        self.daemon.ask(&format!("/api/v2/{path}"), &[("Cookie", &self.cookie), FORM], Some(body))
    }

    #[track_caller]
    fn done(&self, path: &str, body: &str) {
        let answer = self.post(path, body);
        assert_eq!(answer.status, 200, "{path}: {}", String::from_utf8_lossy(&answer.body));
    }

    /// Adds a .torrent with these fields, as a browser's form does.
    fn add(&self, torrent: &Torrent, fields: &[(&str, &str)]) -> Answer {
        let mut body = String::new();
        for (name, value) in fields {
            body += &format!("--xYz\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        // The tests' torrents hash to bytes that are no text: a link says the same.
        body += &format!(
            "--xYz\r\nContent-Disposition: form-data; name=\"urls\"\r\n\r\n{}\r\n--xYz--\r\n",
            torrent.magnet()
        );
        let head = [("Cookie", self.cookie.as_str()), ("Content-Type", "multipart/form-data; boundary=xYz")];
        self.daemon.ask("/api/v2/torrents/add", &head, Some(&body))
    }
}

#[test]
fn a_login_is_a_cookie_and_a_token_may_come_with_each_request_too() {
    let daemon = Driven::start("qbittorrent-login");
    let version = "/api/v2/app/version";
    assert_eq!(daemon.ask(version, &[], None).status, 403, "what makes programs log in");
    let refused = daemon.ask("/api/v2/auth/login", &[FORM], Some("username=admin&password=adminadmin"));
    assert_eq!((refused.status, &refused.body[..], refused.header("set-cookie")), (200, &b"Fails."[..], None));
    assert_eq!(daemon.ask("/", &[], None).status, 200);
    let bearer = format!("Bearer {}", daemon.token);
    let answer = daemon.ask(version, &[("Authorization", &bearer)], None);
    assert_eq!((answer.status, &answer.body[..]), (200, &b"v5.1.4"[..]));
    let client = Client::new(&daemon, &daemon.token);
    assert_eq!(client.get("app/webapiVersion").body, b"2.11.4");
    let foreign = [("Cookie", client.cookie.as_str()), ("Origin", "http://evil.example")];
    assert_eq!(daemon.ask(version, &foreign, None).status, 403);
    assert_eq!(client.post("auth/logout", "").status, 200);
    assert_eq!(client.get("app/version").status, 403);
    let client = Client::new(&daemon, &daemon.token);
    daemon.run(&["token", "revoke", "driver"]).ended(0);
    assert_eq!(client.get("app/version").status, 403, "a cookie ends with its token");
}

#[test]
fn what_is_added_is_told_labelled_paused_and_removed() {
    let daemon = Driven::start("qbittorrent-verbs");
    let (film, song) = (daemon.complete("film"), daemon.complete("song"));
    let client = Client::new(&daemon, &daemon.token);
    client.done("torrents/createCategory", "category=tv&savePath=series");
    assert_eq!(client.post("torrents/createCategory", "category=tv").status, 409);
    assert_eq!(client.post("torrents/createCategory", "category=bad&savePath=%2Fetc").status, 409);
    let answer =
        client.add(&film, &[("category", "tv"), ("tags", "a, b"), ("paused", "true"), ("skip_checking", "false")]);
    assert_eq!((answer.status, &answer.body[..]), (200, &b"Ok."[..]));
    assert_eq!(client.add(&film, &[]).body, b"Fails.", "it is there already");
    assert_eq!(client.add(&song, &[("savepath", "/etc")]).status, 409);
    assert_eq!(client.add(&song, &[("stopped", "true"), ("category", "")]).body, b"Ok.");
    let listed = client.json("torrents/info?category=tv");
    assert_eq!(listed.as_array().map(Vec::len), Some(1));
    let told = &listed[0];
    let series = daemon.root().join("series");
    assert_eq!(
        (&told["hash"], &told["category"], &told["tags"]),
        (&json!(film.info_hash), &json!("tv"), &json!("a, b"))
    );
    assert_eq!(
        (&told["state"], &told["eta"], &told["progress"]),
        (&json!("stoppedDL"), &json!(8_640_000), &json!(0.0))
    );
    assert_eq!(told["save_path"], json!(series));
    assert_eq!(told["content_path"], json!(series.join(told["name"].as_str().expect("a name"))));
    assert_eq!(client.json("torrents/info?filter=stopped&sort=name").as_array().map(Vec::len), Some(2));
    assert_eq!(client.json("torrents/info?category=").as_array().map(Vec::len), Some(1));

    client.done("torrents/setCategory", &format!("hashes={}&category=", film.info_hash));
    client.done("torrents/addTags", &format!("hashes={}&tags=c", film.info_hash));
    client.done("torrents/removeTags", &format!("hashes={}&tags=a", film.info_hash));
    let told = client.json(&format!("torrents/info?hashes={}", film.info_hash));
    assert_eq!((&told[0]["category"], &told[0]["tags"]), (&json!(""), &json!("b, c")));
    assert_eq!(client.json("torrents/tags"), json!(["b", "c"]));
    assert_eq!(client.json("torrents/categories"), json!({"tv": {"name": "tv", "savePath": series}}));
    client.done("torrents/start", "hashes=all");
    daemon.wait("its turn", &film.info_hash, |one| one["state"] == "metadata");
    client.done("torrents/pause", &format!("hashes={}", film.info_hash));
    daemon.wait("its rest", &film.info_hash, |one| one["state"] == "paused");
    assert_eq!(client.get("torrents/delete?hashes=all&deleteFiles=false").status, 405, "it is to be posted");
    client.done("torrents/delete", "hashes=all&deleteFiles=false");
    assert_eq!(client.json("torrents/info"), json!([]));
    assert!(daemon.root().join("film").exists());
    assert_eq!(client.get("torrents/properties?hash=00").status, 404);
    assert_eq!(client.get("torrents/explode").status, 404);
}

#[test]
fn categories_are_kept_and_scopes_are_obeyed() {
    let mut daemon = Driven::start("qbittorrent-kept");
    let film = daemon.complete("film");
    let reader = daemon.make_token("reader", "read");
    let adder = daemon.make_token("adder", "add");
    {
        let reader = Client::new(&daemon, &reader);
        assert_eq!(reader.json("torrents/info"), json!([]));
        assert_eq!(reader.add(&film, &[]).status, 403);
        let adder = Client::new(&daemon, &adder);
        assert_eq!(adder.add(&film, &[("category", "tv"), ("stopped", "true")]).status, 200);
        for path in ["torrents/delete", "torrents/stop", "torrents/setCategory", "app/setPreferences"] {
            assert_eq!(adder.post(path, "hashes=all&deleteFiles=false").status, 403, "{path}");
        }
    }
    daemon.again();
    let client = Client::new(&daemon, &daemon.token);
    assert_eq!(client.json("torrents/categories")["tv"]["name"], json!("tv"));
    assert_eq!(client.json("torrents/info")[0]["category"], json!("tv"));
}

#[test]
fn maindata_tells_what_changed() {
    let daemon = Driven::start("qbittorrent-maindata");
    let film = daemon.complete("film");
    let client = Client::new(&daemon, &daemon.token);
    let first = client.json("sync/maindata?rid=0");
    assert_eq!((&first["full_update"], &first["torrents"]), (&json!(true), &json!({})));
    assert!(first["server_state"]["free_space_on_disk"].as_u64().is_some_and(|bytes| bytes > 0));
    client.add(&film, &[("stopped", "true"), ("category", "tv")]);
    let second = client.json(&format!("sync/maindata?rid={}", first["rid"]));
    assert_eq!(second["torrents"][&film.info_hash]["state"], json!("stoppedDL"));
    assert_eq!((&second["categories"]["tv"]["name"], second.get("full_update")), (&json!("tv"), None));
    let third = client.json(&format!("sync/maindata?rid={}", second["rid"]));
    assert_eq!((third.get("torrents"), third.get("categories")), (None, None), "{third}");
    client.done("torrents/delete", &format!("hashes={}&deleteFiles=false", film.info_hash));
    let fourth = client.json(&format!("sync/maindata?rid={}", third["rid"]));
    assert_eq!(fourth["torrents_removed"], json!([film.info_hash]));
    assert_eq!(client.json("sync/maindata?rid=77")["full_update"], json!(true));
}

#[test]
fn qbittorrent_api_for_python_drives_it() {
    driven_by("qbittorrent-api-py", "python3", Needs::Python("qbittorrentapi"), "qbittorrent_api_py.py");
}

#[test]
fn aioqbt_for_python_drives_it() {
    driven_by("aioqbt-py", "python3", Needs::Python("aioqbt"), "aioqbt_py.py");
}

#[test]
fn ctrl_qbittorrent_for_node_drives_it() {
    driven_by("ctrl-qbittorrent", "node", Needs::Node("@ctrl/qbittorrent"), "ctrl_qbittorrent.mjs");
}

#[test]
fn what_sonarr_and_radarr_send_and_read() {
    let daemon = Driven::start("qbittorrent-sonarr");
    let film = daemon.complete("film");
    // The test of its settings: 403 says that there is an interface, and to log in.
    assert_eq!(daemon.ask("/api/v2/app/webapiVersion", &[], None).status, 403);
    let client = Client::new(&daemon, &daemon.token);
    assert_eq!(client.get("app/webapiVersion").body, b"2.11.4");
    let preferences = client.json("app/preferences");
    for key in [
        "max_ratio_enabled",
        "max_seeding_time_enabled",
        "max_inactive_seeding_time_enabled",
        "queueing_enabled",
        "dht",
    ] {
        assert!(preferences[key].is_boolean(), "{key}");
    }
    for key in ["max_ratio", "max_seeding_time", "max_inactive_seeding_time", "max_ratio_act"] {
        assert!(preferences[key].is_number(), "{key}");
    }
    assert_eq!(preferences["save_path"], json!(daemon.root()));
    assert_eq!(client.json("torrents/categories"), json!({}));
    client.done("torrents/createCategory", "category=tv-sonarr");
    assert_eq!(client.post("torrents/createCategory", "category=tv-sonarr").status, 409, "which it takes for good");
    let fields = [("category", "tv-sonarr"), ("paused", "false"), ("stopped", "false")];
    assert_eq!(client.add(&film, &fields).body, b"Ok.");
    let hash = &film.info_hash;
    assert_eq!(
        client.post("torrents/topPrio", &format!("hashes={hash}")).status,
        409,
        "which it expects without a queue"
    );
    client.done(
        "torrents/setShareLimits",
        &format!("hashes={hash}&ratioLimit=-2&seedingTimeLimit=-2&inactiveSeedingTimeLimit=-2"),
    );
    client.done("torrents/setForceStart", &format!("hashes={hash}&value=false"));
    let own = "ratioLimit=1.5&seedingTimeLimit=60&inactiveSeedingTimeLimit=-2";
    client.done("torrents/setShareLimits", &format!("hashes={hash}&{own}"));
    let told = client.json("torrents/info");
    assert_eq!((&told[0]["ratio_limit"], &told[0]["seeding_time_limit"]), (&json!(1.5), &json!(60)), "{told}");
    assert_eq!(daemon.list()[0]["until"], json!("ratio=1.5 or time=3600"));
    let told = client.json("torrents/info?category=tv-sonarr");
    let told = &told[0];
    for key in [
        "size",
        "progress",
        "eta",
        "ratio",
        "ratio_limit",
        "seeding_time",
        "seeding_time_limit",
        "inactive_seeding_time_limit",
        "last_activity",
    ] {
        assert!(told[key].is_number(), "{key}");
    }
    for key in ["hash", "name", "state", "category", "save_path", "content_path"] {
        assert!(told[key].as_str().is_some_and(|text| !text.is_empty()), "{key}");
    }
    assert_ne!(told["content_path"], told["save_path"]);
    assert!(client.json(&format!("torrents/properties?hash={hash}"))["seeding_time"].is_number());
    assert!(client.json(&format!("torrents/files?hash={hash}")).is_array());
    client.done("torrents/createCategory", "category=tv-imported");
    client.done("torrents/setCategory", &format!("hashes={hash}&category=tv-imported"));
    client.done("torrents/addTags", &format!("hashes={hash}&tags=done"));
    assert_eq!(daemon.list()[0]["labels"], json!(["done", "tv-imported"]));
    client.done("torrents/delete", &format!("hashes={hash}&deleteFiles=false"));
    assert_eq!(daemon.list().len(), 0);
}

#[test]
fn what_autobrr_and_cross_seed_send_and_read() {
    let daemon = Driven::start("qbittorrent-autobrr");
    let film = daemon.complete("film");
    let client = Client::new(&daemon, &daemon.token);
    // What one reads is posted by the other.
    let version = client.post("app/version", "").body;
    assert!(version.starts_with(b"v5."), "whoever reads it stops and starts");
    assert!(client.json("transfer/info")["connection_status"].is_string());
    assert!(client.json("app/preferences")["resume_data_storage_type"].is_string());
    client.done("torrents/createTags", "tags=cross-seed");
    let fields = [
        ("paused", "true"),
        ("stopped", "true"),
        ("skip_checking", "true"),
        ("category", "brr"),
        ("tags", "cross-seed"),
        ("upLimit", "100000"),
        ("contentLayout", "Original"),
        ("root_folder", "true"),
        ("autoTMM", "false"),
        ("foo", "bar"),
    ];
    assert_eq!(client.add(&film, &fields).body, b"Ok.");
    let hash = &film.info_hash;
    let told: Value =
        serde_json::from_slice(&client.post("torrents/info", &format!("hashes={hash}&includeTrackers=true")).body)
            .expect("JSON");
    assert_eq!((&told[0]["up_limit"], &told[0]["tags"]), (&json!(100_000), &json!("cross-seed")));
    assert_eq!(told[0]["trackers"][0]["url"], json!("http://127.0.0.1:9/announce"));
    for (path, body) in [("recheck", ""), ("resume", ""), ("reannounce", ""), ("stop", "")] {
        client.done(&format!("torrents/{path}"), &format!("hashes={hash}{body}"));
    }
    let trackers = client.json(&format!("torrents/trackers?hash={hash}"));
    assert!(trackers[0]["status"].is_u64() && trackers[0]["msg"].is_string(), "{trackers}");
}

#[test]
fn trackers_are_added_edited_and_removed() {
    let daemon = Driven::start("qbittorrent-trackers");
    let film = daemon.complete("film");
    daemon.run(&["add", &film.path.display().to_string()]).ended(0);
    let client = Client::new(&daemon, &daemon.token);
    let hash = &film.info_hash;
    let urls = || -> Vec<String> {
        let told = client.json(&format!("torrents/trackers?hash={hash}"));
        told.as_array().expect("a list").iter().map(|one| one["url"].as_str().expect("a text").to_owned()).collect()
    };
    client.done(
        "torrents/addTrackers",
        &format!("hash={hash}&urls=udp%3A%2F%2F127.0.0.1%3A1%0Audp%3A%2F%2F127.0.0.1%3A2"),
    );
    assert_eq!(urls(), ["http://127.0.0.1:9/announce", "udp://127.0.0.1:1", "udp://127.0.0.1:2"]);
    client.done("torrents/editTracker", &format!("hash={hash}&origUrl=udp://127.0.0.1:2&newUrl=udp://127.0.0.1:3"));
    client.done("torrents/removeTrackers", &format!("hash={hash}&urls=http://127.0.0.1:9/announce|udp://127.0.0.1:7"));
    assert_eq!(urls(), ["udp://127.0.0.1:1", "udp://127.0.0.1:3"]);
    assert_eq!(client.json("torrents/info")[0]["trackers_count"], json!(2));
    let edit = |old: &str, new: &str| {
        client.post("torrents/editTracker", &format!("hash={hash}&origUrl={old}&newUrl={new}")).status
    };
    assert_eq!(edit("udp://127.0.0.1:1", "nonsense"), 400);
    assert_eq!(edit("udp://127.0.0.1:1", "udp://127.0.0.1:3"), 409);
    assert_eq!(edit("udp://127.0.0.1:7", "udp://127.0.0.1:8"), 409);
    assert_eq!(client.post("torrents/addTrackers", "hash=00&urls=udp://127.0.0.1:1").status, 404);
}

#[test]
fn limits_of_all_are_kept_and_torrents_exported() {
    let mut daemon = Driven::start("qbittorrent-limits");
    let film = daemon.complete("film");
    daemon.run(&["add", &film.path.display().to_string()]).ended(0);
    {
        let client = Client::new(&daemon, &daemon.token);
        client.done("transfer/setDownloadLimit", "limit=200000");
        client.done(
            "app/setPreferences",
            "json=%7B%22up_limit%22%3A50000%2C%22max_ratio%22%3A2%2C%22max_ratio_enabled%22%3Atrue%7D",
        );
        assert_eq!(client.post("app/setPreferences", "json=%7B%22dht%22%3Atrue%7D").status, 409);
        client.done("transfer/toggleSpeedLimitsMode", "");
        client.done("transfer/setUploadLimit", "limit=7000");
    }
    daemon.again();
    let client = Client::new(&daemon, &daemon.token);
    let told = client.json("app/preferences");
    assert_eq!((&told["dl_limit"], &told["up_limit"]), (&json!(200_000), &json!(50_000)));
    assert_eq!((&told["alt_up_limit"], &told["max_ratio"]), (&json!(7_000), &json!(2.0)));
    assert_eq!(client.get("transfer/uploadLimit").body, b"7000", "those hold that were turned on");
    let hash = &film.info_hash;
    assert_eq!(client.get(&format!("torrents/export?hash={hash}")).body, fs::read(&film.path).expect("own file"));
    assert_eq!(client.json(&format!("torrents/pieceHashes?hash={hash}")).as_array().map(Vec::len), Some(7));
    let reader = daemon.make_token("reader", "read");
    assert_eq!(Client::new(&daemon, &reader).get(&format!("torrents/export?hash={hash}")).status, 403);
}

#[test]
fn a_file_by_itself_may_get_a_folder_of_its_own() {
    let daemon = Driven::start("qbittorrent-layout");
    let film = daemon.complete("film.mkv");
    let client = Client::new(&daemon, &daemon.token);
    daemon.run(&["pause", "all"]);
    fs::create_dir(daemon.root().join("film")).expect("the folder is writable");
    fs::rename(daemon.root().join("film.mkv"), daemon.root().join("film/film.mkv")).expect("own file");
    let body = [b"--xYz\r\nContent-Disposition: form-data; name=\"contentLayout\"\r\n\r\nSubfolder\r\n--xYz\r\nContent-Disposition: form-data; name=\"torrents\"; filename=\"x.torrent\"\r\n\r\n".to_vec(), fs::read(&film.path).expect("own file"), b"\r\n--xYz--\r\n".to_vec()].concat();
    let head = [("Cookie", client.cookie.as_str()), ("Content-Type", "multipart/form-data; boundary=xYz")];
    assert_eq!(daemon.post_bytes("/api/v2/torrents/add", &head, &body).body, b"Ok.");
    daemon.wait("all of it", &film.info_hash, |one| one["state"] == "seeding" && one["complete"] == true);
    let told = client.json("torrents/info");
    assert_eq!(told[0]["content_path"], json!(daemon.root().join("film/film.mkv")));
}

#[test]
fn content_is_moved_renamed_and_removed() {
    let daemon = Driven::start("qbittorrent-moves");
    let film = daemon.complete("film");
    let content = fs::read(daemon.root().join("film")).expect("own file");
    daemon.run(&["add", &film.path.display().to_string()]).ended(0);
    daemon.wait("all of it", &film.info_hash, |one| one["state"] == "seeding");
    let client = Client::new(&daemon, &daemon.token);
    let (hash, sub) = (&film.info_hash, daemon.root().join("films"));
    assert_eq!(client.post("torrents/setLocation", &format!("hashes={hash}&location=%2Fetc")).status, 409);
    client.done("torrents/setLocation", &format!("hashes={hash}&location=films"));
    daemon.wait("its new place", hash, |one| one["folder"] == json!(sub) && one["state"] == "seeding");
    client.done("torrents/renameFile", &format!("hash={hash}&oldPath=film&newPath=a%20film"));
    assert!(fs::read(sub.join("a film")).expect("it was renamed") == content && !daemon.root().join("film").exists());
    let told = client.json("torrents/info");
    assert_eq!(told[0]["content_path"], json!(sub.join("a film")), "programs look there for it");
    client.done("torrents/delete", &format!("hashes={hash}&deleteFiles=true"));
    assert!(!sub.join("a film").exists());
    assert_eq!(client.json("torrents/info"), json!([]));
}
