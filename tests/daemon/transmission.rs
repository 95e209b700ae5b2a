//! The daemon as Transmission's programs see it: what they ask, what they read, and what is on the disk then.

use std::fs;

use crate::common::driven::Driven;
use crate::common::http::Answer;
use crate::common::torrent::Torrent;
use serde_json::{Value, json};

const RPC: &str = "/transmission/rpc";

/// A program that has learned the session's id.
struct Client<'a> {
    daemon: &'a Driven,
    token: String,
    session: String,
}

impl<'a> Client<'a> {
    fn new(daemon: &'a Driven, token: &str) -> Self {
        let bearer = format!("Bearer {token}");
        let first = daemon.ask(RPC, &[("Authorization", &bearer)], Some("{}"));
        assert_eq!(first.status, 409);
        let session = first.header("x-transmission-session-id").expect("the session's id").to_owned();
        Self { daemon, token: token.to_owned(), session }
    }

    fn post(&self, body: &str) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        self.daemon.ask(RPC, &[("Authorization", &bearer), ("X-Transmission-Session-Id", &self.session)], Some(body))
    }

    fn send(&self, body: &Value) -> Value {
        let answer = self.post(&body.to_string());
        assert_eq!(answer.status, 200, "{body}");
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    /// The arguments of a legacy method that succeeds.
    #[track_caller]
    fn legacy(&self, method: &str, arguments: Value) -> Value {
        let answer = self.send(&json!({"method": method, "arguments": arguments, "tag": 7}));
        assert_eq!((&answer["result"], &answer["tag"]), (&json!("success"), &json!(7)), "{method}: {answer}");
        answer["arguments"].clone()
    }

    /// Why a legacy method fails.
    #[track_caller]
    fn refused(&self, method: &str, arguments: Value) -> String {
        let answer = self.send(&json!({"method": method, "arguments": arguments}));
        let result = answer["result"].as_str().expect("a sentence");
        assert_ne!(result, "success", "{method}");
        result.to_owned()
    }
}

/// The token as the password of somebody.
fn basic(token: &str) -> String {
    use base64::Engine as _;
    format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("anybody:{token}")))
}

fn base64(torrent: &Torrent) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(fs::read(&torrent.path).expect("own file"))
}

#[test]
fn a_request_brings_a_token_then_the_sessions_id() {
    let daemon = Driven::start("transmission-session");
    let basic = basic(&daemon.token);
    assert_eq!(daemon.ask(RPC, &[], Some("{}")).status, 401);
    assert_eq!(daemon.ask(RPC, &[("Authorization", "Bearer teem_nobody")], Some("{}")).status, 401);
    let page = [("Authorization", basic.as_str()), ("Origin", "http://evil.example")];
    assert_eq!(daemon.ask(RPC, &page, Some("{}")).status, 403);
    // Some look first with GET, some write a slash behind the path.
    for path in [RPC, "/transmission/rpc/"] {
        let probed = daemon.ask(path, &[("Authorization", &basic)], None);
        assert_eq!(probed.status, 409, "{path}");
        let session = probed.header("X-Transmission-Session-Id").expect("the session's id").to_owned();
        assert!(probed.header("X-Transmission-Rpc-Version").is_some_and(|version| version.starts_with("6.")));
        let head = [("Authorization", basic.as_str()), ("X-Transmission-Session-Id", &session)];
        let answer = daemon.ask(path, &head, Some(r#"{"method":"session-get"}"#));
        assert_eq!(answer.status, 200);
        let told: Value = serde_json::from_slice(&answer.body).expect("JSON");
        let told = &told["arguments"];
        assert_eq!((&told["rpc-version"], &told["download-dir"]), (&json!(17), &json!(daemon.root())));
        assert!(told["version"].as_str().is_some_and(|version| version.starts_with("4.0.6")), "{told}");
        assert_eq!(told["seedRatioLimited"], json!(false));
    }
}

#[test]
fn what_is_added_is_told_paused_resumed_and_removed() {
    let daemon = Driven::start("transmission-verbs");
    let (film, song) = (daemon.complete("film"), daemon.complete("the song"));
    let client = Client::new(&daemon, &daemon.token);
    let add = json!({"metainfo": base64(&film), "labels": ["tv", "new"], "paused": true});
    let added = client.legacy("torrent-add", add.clone());
    assert_eq!(added["torrent-added"], json!({"hashString": film.info_hash, "id": 1, "name": "film"}), "{added}");
    assert_eq!(client.legacy("torrent-add", add)["torrent-duplicate"]["hashString"], json!(film.info_hash));
    let sub = daemon.root().join("music");
    let added = client.legacy("torrent-add", json!({"filename": song.magnet(), "download-dir": sub}));
    assert_eq!(added["torrent-added"]["id"], json!(2));
    assert!(client.refused("torrent-add", json!({"metainfo": "ZQ=="})).contains(".torrent"));
    assert!(client.refused("torrent-add", json!({"filename": "/etc/passwd"})).contains("no magnet link"));
    assert!(client.refused("torrent-add", json!({"filename": song.magnet(), "download-dir": "/etc"})).contains("/etc"));

    let fields =
        json!(["id", "hashString", "name", "status", "labels", "downloadDir", "nothing", "file-count", "files-x"]);
    let told = client.legacy("torrent-get", json!({"fields": fields}));
    let film_told = json!({"id": 1, "hashString": film.info_hash, "name": "film", "status": 0, "labels": ["new", "tv"],
        "downloadDir": daemon.root(), "file-count": 1});
    assert_eq!(told["torrents"][0], film_told);
    assert_eq!((&told["torrents"][1]["status"], &told["torrents"][1]["downloadDir"]), (&json!(4), &json!(sub)));

    client.legacy("torrent-start", json!({"ids": [1]}));
    daemon.wait("all of it", &film.info_hash, |one| one["state"] == "seeding" && one["have"] == json!(100_000));
    let told = client.legacy("torrent-get", json!({"ids": 1, "fields": ["torrentFile"]}));
    assert_eq!(
        told["torrents"][0]["torrentFile"],
        json!(format!("/{}.torrent", film.info_hash)),
        "FlexGet makes a URL of it"
    );
    let table = client.legacy(
        "torrent-get",
        json!({"fields": ["id", "percentDone", "leftUntilDone", "haveValid", "totalSize"], "format": "table", "ids": film.info_hash}),
    );
    assert_eq!(
        table["torrents"],
        json!([["id", "percentDone", "leftUntilDone", "haveValid", "totalSize"], [1, 1.0, 0, 100_000, 100_000]])
    );
    let trackers =
        client.legacy("torrent-get", json!({"ids": 1, "fields": ["trackers", "trackerStats", "trackerList"]}));
    let trackers = &trackers["torrents"][0];
    assert_eq!(trackers["trackers"][0]["announce"], json!("http://127.0.0.1:9/announce"));
    assert_eq!(trackers["trackerStats"][0]["host"], json!("http://127.0.0.1:9"));
    assert_eq!(trackers["trackerList"], json!("http://127.0.0.1:9/announce"));
    client.legacy("torrent-stop", json!({"ids": [film.info_hash]}));
    assert_eq!(daemon.wait("its rest", &film.info_hash, |_| true)["state"], json!("paused"));

    let all = client.legacy("torrent-get", json!({"ids": "recently-active", "fields": ["id"]}));
    assert_eq!((&all["removed"], all["torrents"].as_array().map(Vec::len)), (&json!([]), Some(2)));
    client.legacy("torrent-remove", json!({"ids": [2]}));
    let left = client.legacy("torrent-get", json!({"ids": "recently-active", "fields": ["id"]}));
    assert_eq!(left["removed"], json!([2]));
    assert_eq!(client.legacy("session-stats", json!({}))["torrentCount"], json!(1));
    assert!(daemon.root().join("film").exists(), "content stays");
    assert!(client.refused("torrent-remove", json!({})).contains("ids"), "all are not removed for want of a word");
}

#[test]
fn a_token_reaches_as_far_as_its_scope() {
    let daemon = Driven::start("transmission-scopes");
    let film = daemon.complete("film");
    let reader = daemon.make_token("reader", "read");
    let reader = Client::new(&daemon, &reader);
    reader.legacy("torrent-get", json!({"fields": ["id"]}));
    let add = json!({"metainfo": base64(&film)});
    assert!(reader.refused("torrent-add", add.clone()).contains("needs add"));
    let adder = daemon.make_token("adder", "add");
    let adder = Client::new(&daemon, &adder);
    adder.legacy("torrent-add", add);
    for method in ["torrent-stop", "torrent-remove", "torrent-set", "session-set", "torrent-set-location"] {
        assert!(adder.refused(method, json!({"ids": [1]})).contains("needs control"), "{method}");
    }
    assert_eq!(daemon.list().len(), 1);
    assert_eq!(adder.refused("torrent-explode", json!({})), "method name not recognized");
    let space = reader.legacy("free-space", json!({"path": daemon.root()}));
    assert!(space["size-bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{space}");
    assert!(reader.refused("free-space", json!({"path": "/etc"})).contains("/etc"));
}

#[test]
fn json_rpc_is_spoken_too() {
    let daemon = Driven::start("transmission-json-rpc");
    let film = daemon.complete("film");
    let client = Client::new(&daemon, &daemon.token);
    let call =
        |id: u32, method: &str, params: Value| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
    let told = client.send(&call(1, "session_get", json!({"fields": ["version", "rpc_version_semver"]})));
    assert_eq!((&told["id"], &told["result"]["rpc_version_semver"]), (&json!(1), &json!("6.0.0")));
    let added = client.send(&call(2, "torrent_add", json!({"metainfo": base64(&film), "paused": true})));
    assert_eq!(added["result"]["torrent_added"]["hash_string"], json!(film.info_hash), "{added}");
    let batch = json!([
        call(3, "torrent_get", json!({"fields": ["hash_string", "peers_from", "is_private"]})),
        {"jsonrpc": "2.0", "method": "torrent_stop", "params": {"ids": [1]}},
        call(4, "torrent-get", json!({})),
    ]);
    let answers = client.send(&batch);
    assert_eq!(answers.as_array().map(Vec::len), Some(2), "a notification is not answered");
    let torrent = &answers[0]["result"]["torrents"][0];
    assert_eq!((&torrent["hash_string"], &torrent["peers_from"]["from_dht"]), (&json!(film.info_hash), &json!(0)));
    assert_eq!(answers[1]["error"]["code"], json!(-32601));
    let notified = client.post(r#"{"jsonrpc":"2.0","method":"session_stats"}"#);
    assert_eq!((notified.status, notified.body.len()), (204, 0));
    for body in ["", "[", "[]", "7", r#"{"jsonrpc":"2.0"}"#, &"[".repeat(100_000)] {
        let answer = client.post(body);
        assert_eq!(answer.status, 200, "{}", &body[..body.len().min(20)]);
        let told: Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert!(told["error"]["code"].is_i64() || told["result"].is_string(), "{told}");
    }
}

#[test]
fn labels_limits_and_files_are_set() {
    let daemon = Driven::start("transmission-set");
    fs::create_dir(daemon.at().join("album")).expect("the folder is writable");
    for name in ["a", "b", "c"] {
        fs::write(daemon.at().join("album").join(name), vec![name.as_bytes()[0]; 40_000])
            .expect("the folder is writable");
    }
    let album = Torrent::create(daemon.at(), "album", 16 << 10, &[]);
    let client = Client::new(&daemon, &daemon.token);
    client.legacy("torrent-add", json!({"metainfo": base64(&album), "paused": true}));
    let set = json!({"ids": [1], "labels": ["b", "a"], "uploadLimit": 50, "uploadLimited": true,
        "files-unwanted": [1], "priority-high": [2]});
    client.legacy("torrent-set", set);
    let fields = json!(["labels", "uploadLimit", "uploadLimited", "downloadLimited", "wanted", "priorities", "files"]);
    let told = client.legacy("torrent-get", json!({"fields": fields}));
    let told = &told["torrents"][0];
    assert_eq!((&told["labels"], &told["uploadLimit"]), (&json!(["a", "b"]), &json!(50)));
    assert_eq!((&told["uploadLimited"], &told["downloadLimited"]), (&json!(true), &json!(false)));
    assert_eq!((&told["wanted"], &told["priorities"]), (&json!([1, 0, 1]), &json!([0, 0, 1])));
    assert_eq!(told["files"][1]["name"], json!("album/b"), "{told}");
    let listed = daemon.list();
    assert_eq!((&listed[0]["labels"], &listed[0]["up_limit"]), (&json!(["a", "b"]), &json!(50_000)));
    assert!(client.refused("torrent-set", json!({"ids": [1], "files-wanted": [7]})).contains("no file 7"));
    assert!(client.refused("torrent-set", json!({"bandwidthPriority": 1})).contains("not supported"));
    client.legacy("torrent-set", json!({"uploadLimited": false, "files-wanted": []}));
    let told = client.legacy("torrent-get", json!({"fields": ["uploadLimited", "wanted"]}));
    assert_eq!(told["torrents"][0], json!({"uploadLimited": false, "wanted": [1, 1, 1]}));
}

#[test]
fn files_are_chosen_when_it_is_added_and_told_by_their_new_names() {
    let mut daemon = Driven::start("transmission-add-files");
    let album = daemon.album();
    {
        let client = Client::new(&daemon, &daemon.token);
        let add = |choice: Value| {
            let mut add = json!({"metainfo": base64(&album), "paused": true});
            add.as_object_mut().expect("an object").extend(choice.as_object().expect("an object").clone());
            add
        };
        let refused = client.refused("torrent-add", add(json!({"files-unwanted": [0, 1, 2]})));
        assert!(refused.contains("none of the files"), "{refused}");
        assert!(client.refused("torrent-add", add(json!({"files-wanted": [3]}))).contains("no file 3"));
        let link = json!({"filename": album.magnet(), "files-unwanted": [1]});
        assert!(client.refused("torrent-add", link).contains("not known yet"));
        client.legacy("torrent-add", add(json!({"files-unwanted": [1], "files-wanted": [], "priority-high": [2]})));
        let told = client.legacy("torrent-get", json!({"fields": ["wanted", "priorities", "sizeWhenDone"]}));
        assert_eq!(told["torrents"][0]["wanted"], json!([1, 0, 1]));
        assert_eq!(told["torrents"][0]["priorities"], json!([0, 0, 1]));
        client.legacy("torrent-start", json!({"ids": [1]}));
        daemon.wait("all that is wanted", &album.info_hash, |one| one["state"] == "seeding");
        client.legacy("torrent-set", json!({"ids": [1], "files-unwanted": [0]}));
        daemon.wait("less to want", &album.info_hash, |one| one["wanted"] == json!(40_000));
        client.legacy("torrent-set", json!({"ids": [1], "files-wanted": [0]}));
        daemon
            .wait("more to want", &album.info_hash, |one| one["wanted"] == json!(80_000) && one["state"] == "seeding");
        let renamed = client.legacy("torrent-rename-path", json!({"ids": [1], "path": "album/c", "name": "see"}));
        assert_eq!(renamed["path"], json!("album/c"));
    }
    daemon.again();
    let client = Client::new(&daemon, &daemon.token);
    let told = client.legacy("torrent-get", json!({"fields": ["files", "wanted"]}));
    let names: Vec<&Value> =
        told["torrents"][0]["files"].as_array().expect("a list").iter().map(|f| &f["name"]).collect();
    assert_eq!(names, [&json!("album/a"), &json!("album/b"), &json!("album/see")]);
    assert_eq!(told["torrents"][0]["wanted"], json!([1, 0, 1]));
    assert!(daemon.root().join("album/see").exists() && !daemon.root().join("album/c").exists());
}

#[test]
fn trackers_are_added_replaced_and_removed_and_outlive_a_kill() {
    let mut daemon = Driven::start("transmission-trackers");
    let film = daemon.complete("film");
    let list = |daemon: &Driven| {
        let client = Client::new(daemon, &daemon.token);
        let told = client.legacy("torrent-get", json!({"fields": ["trackerList", "trackers", "trackerStats"]}));
        let told = told["torrents"][0].clone();
        let urls = |key: &str| -> Vec<String> {
            let list = told[key].as_array().expect("a list").iter();
            list.filter_map(|tracker| tracker["announce"].as_str().map(str::to_owned)).collect()
        };
        let all = told["trackerList"].as_str().expect("a text").to_owned();
        let lines: Vec<&str> = all.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!((urls("trackers"), urls("trackerStats")), (urls("trackers"), urls("trackers")));
        assert_eq!(urls("trackers"), lines);
        all
    };
    {
        let client = Client::new(&daemon, &daemon.token);
        client.legacy("torrent-add", json!({"metainfo": base64(&film), "paused": false}));
        client.legacy(
            "torrent-set",
            json!({"ids": [1], "trackerAdd": ["udp://127.0.0.1:9/announce", "http://127.0.0.1:9/announce"]}),
        );
        assert_eq!(list(&daemon), "http://127.0.0.1:9/announce\n\nudp://127.0.0.1:9/announce");
        client.legacy("torrent-set", json!({"ids": [1], "trackerReplace": [0, "http://127.0.0.1:7/announce"]}));
        client.legacy("torrent-set", json!({"ids": [1], "trackerRemove": [1]}));
        assert_eq!(list(&daemon), "http://127.0.0.1:7/announce");
        for bad in [
            json!({"trackerAdd": ["nonsense"]}),
            json!({"trackerReplace": [5, "udp://127.0.0.1:1"]}),
            json!({"trackerReplace": [0]}),
        ] {
            let mut set = bad.clone();
            set["ids"] = json!([1]);
            assert!(client.refused("torrent-set", set).contains("tracker"), "{bad}");
        }
        client.legacy("torrent-set", json!({"ids": [1], "trackerList": "http://127.0.0.1:7/announce\nhttp://127.0.0.1:8/announce\n\nudp://127.0.0.1:9"}));
        let reader = daemon.make_token("reader", "read");
        assert!(
            Client::new(&daemon, &reader).refused("torrent-set", json!({"trackerList": ""})).contains("needs control")
        );
    }
    let all = "http://127.0.0.1:7/announce\nhttp://127.0.0.1:8/announce\n\nudp://127.0.0.1:9";
    assert_eq!(list(&daemon), all);
    daemon.again();
    assert_eq!(list(&daemon), all, "kept over a kill");
    assert_eq!(daemon.run(&["list", "tracker:127.0.0.1", "--json"]).ended(0).lines().len(), 1);
    let client = Client::new(&daemon, &daemon.token);
    client.legacy("torrent-set", json!({"trackerList": ""}));
    assert_eq!(list(&daemon), "");
    daemon.run(&["list", "tracker:127.0.0.1", "--json"]).ended(1);
}

#[test]
fn limits_of_all_are_kept_and_told_with_their_origin() {
    let mut daemon = Driven::start("transmission-session-set");
    let setting = |daemon: &Driven, key: &str| {
        let all = daemon.run(&["config", "show", "--json"]).ended(0).lines();
        let found = all.into_iter().find(|setting| setting["key"] == key).expect("a key");
        (found["value"].clone(), found["origin"].clone())
    };
    let keys = json!([
        "speed-limit-up",
        "speed-limit-up-enabled",
        "alt-speed-down",
        "seedRatioLimit",
        "seedRatioLimited",
        "download-queue-size"
    ]);
    let told = json!({"speed-limit-up": 50, "speed-limit-up-enabled": true, "alt-speed-down": 7, "seedRatioLimit": 2.0, "seedRatioLimited": true,
        "download-queue-size": 3});
    {
        let client = Client::new(&daemon, &daemon.token);
        let mut set = told.clone();
        set["download-queue-enabled"] = json!(true);
        client.legacy("session-set", set);
        assert_eq!(client.legacy("session-get", json!({"fields": keys})), told);
        // Flood says so whatever it sets.
        client.legacy(
            "session-set",
            json!({"seed-queue-enabled": true, "speed-limit-down-enabled": true, "speed-limit-down": 97.65625}),
        );
        let rates = json!(["speed-limit-down", "seed-queue-enabled"]);
        let expected = json!({"speed-limit-down": 97, "seed-queue-enabled": false});
        assert_eq!(client.legacy("session-get", json!({"fields": rates})), expected);
        assert!(
            client.refused("session-set", json!({"dht-enabled": true, "speed-limit-up": 9})).contains("dht_enabled")
        );
    }
    daemon.again();
    let client = Client::new(&daemon, &daemon.token);
    assert_eq!(client.legacy("session-get", json!({"fields": keys})), told, "kept over a kill");
    assert_eq!(setting(&daemon, "up"), (json!(50_000), json!("api")));
    assert_eq!(setting(&daemon, "goal.until"), (json!("ratio=2"), json!("api")));
    client.legacy("session-set", json!({"speed-limit-up-enabled": false}));
    assert_eq!(setting(&daemon, "up"), (json!(0), json!("default")), "as the file has it");
}

#[test]
fn torrents_have_places_in_the_queue() {
    let daemon = Driven::start("transmission-places");
    let client = Client::new(&daemon, &daemon.token);
    for name in ["one", "other", "third"] {
        let torrent = daemon.complete(name);
        client.legacy("torrent-add", json!({"metainfo": base64(&torrent), "paused": true}));
    }
    let places = || -> Vec<Value> {
        let told = client.legacy("torrent-get", json!({"fields": ["queuePosition"], "format": "table"}));
        told["torrents"].as_array().expect("a list").iter().skip(1).map(|row| row[0].clone()).collect()
    };
    assert_eq!(places(), [0, 1, 2]);
    client.legacy("torrent-set", json!({"ids": [3], "queuePosition": 1}));
    assert_eq!(places(), [0, 2, 1]);
    client.legacy("queue-move-top", json!({"ids": [2]}));
    assert_eq!(places(), [1, 0, 2]);
    assert_eq!(client.legacy("group-get", json!({})), json!({"group": []}));
}

#[test]
fn what_sonarr_and_radarr_send_and_read() {
    let daemon = Driven::start("transmission-sonarr");
    let film = daemon.complete("film");
    let basic = basic(&daemon.token);
    // The test of its settings: GET is to be answered with 409 and nothing else.
    assert_eq!(daemon.ask(RPC, &[("Authorization", &basic)], None).status, 409);
    let client = Client::new(&daemon, &daemon.token);
    let session = client.legacy("session-get", json!({}));
    let version = session["version"].as_str().expect("a version");
    let numbers: Vec<u32> = version.split(['.', ' ']).take(2).filter_map(|part| part.parse().ok()).collect();
    assert!(numbers >= vec![4, 0], "labels are sent from 4.0 on: {version}");
    assert!(session["rpc-version"].is_u64() && session["download-dir"].is_string());
    assert!(session["seedRatioLimit"].is_number() && session["seedRatioLimited"].is_boolean());
    assert!(session["idle-seeding-limit"].is_number() && session["idle-seeding-limit-enabled"].is_boolean());
    let added = client.legacy(
        "torrent-add",
        json!({"metainfo": base64(&film), "paused": false, "download-dir": daemon.root(), "labels": ["tv-sonarr"]}),
    );
    let hash = added["torrent-added"]["hashString"].clone();
    client.legacy("queue-move-top", json!({"ids": [hash]}));
    daemon.wait("all of it", &film.info_hash, |one| one["state"] == "seeding");
    let fields = json!([
        "id",
        "hashString",
        "name",
        "downloadDir",
        "totalSize",
        "leftUntilDone",
        "isFinished",
        "eta",
        "status",
        "secondsDownloading",
        "secondsSeeding",
        "errorString",
        "uploadedEver",
        "downloadedEver",
        "seedRatioLimit",
        "seedRatioMode",
        "seedIdleLimit",
        "seedIdleMode",
        "fileCount",
        "file-count",
        "labels"
    ]);
    let told = client.legacy("torrent-get", json!({"fields": fields}));
    let told = &told["torrents"][0];
    for key in fields.as_array().expect("a list").iter().filter_map(Value::as_str) {
        assert!(!told[key].is_null(), "{key}");
    }
    let numbers =
        ["id", "totalSize", "leftUntilDone", "eta", "status", "secondsDownloading", "uploadedEver", "seedRatioMode"];
    assert!(numbers.iter().all(|key| told[key].is_i64() || told[key].is_u64()), "{told}");
    assert_eq!(
        (&told["status"], &told["leftUntilDone"], &told["labels"]),
        (&json!(6), &json!(0), &json!(["tv-sonarr"]))
    );
    assert_eq!((&told["name"], &told["downloadDir"]), (&json!("film"), &json!(daemon.root())));
    // Goals of an indexer's own: the ratio, and its seeding time as idle time.
    client.legacy(
        "torrent-set",
        json!({"ids": [hash], "seedRatioLimit": 1.5, "seedRatioMode": 1, "seedIdleLimit": 90, "seedIdleMode": 1}),
    );
    let fields = json!(["seedRatioLimit", "seedRatioMode", "seedIdleLimit", "seedIdleMode", "isFinished"]);
    let told = client.legacy("torrent-get", json!({"fields": fields}));
    let goals =
        json!({"seedRatioLimit": 1.5, "seedRatioMode": 1, "seedIdleLimit": 90, "seedIdleMode": 1, "isFinished": false});
    assert_eq!(told["torrents"][0], goals);
    assert_eq!(daemon.list()[0]["until"], json!("ratio=1.5 or idle=5400"));
    // What it took over it labels otherwise.
    client.legacy("torrent-set", json!({"ids": [hash], "labels": ["tv-imported"]}));
    assert_eq!(daemon.list()[0]["labels"], json!(["tv-imported"]));
    client.legacy("torrent-remove", json!({"ids": [hash], "delete-local-data": false}));
    assert_eq!(daemon.list().len(), 0);
}

#[test]
fn what_autobrr_and_cross_seed_send_and_read() {
    let daemon = Driven::start("transmission-autobrr");
    let film = daemon.complete("film");
    let client = Client::new(&daemon, &daemon.token);
    let session = client.legacy("session-get", json!({"fields": ["rpc-version", "rpc-version-minimum", "version"]}));
    assert_eq!((&session["rpc-version"], session.as_object().map(serde_json::Map::len)), (&json!(17), Some(3)));
    client.legacy("torrent-add", json!({"metainfo": base64(&film), "paused": true, "download-dir": daemon.root()}));
    let set = json!({"ids": [1], "labels": ["brr"], "uploadLimit": 100, "uploadLimited": true, "downloadLimit": 200, "downloadLimited": true});
    client.legacy("torrent-set", set);
    client.legacy("torrent-start", json!({"ids": [1]}));
    client.legacy("torrent-reannounce", json!({"ids": [1]}));
    let told = client.legacy("torrent-get", json!({"ids": [1], "fields": ["trackerStats", "status"]}));
    let stats = &told["torrents"][0]["trackerStats"][0];
    assert!(
        stats["lastAnnounceResult"].is_string() && stats["seederCount"].is_i64() && stats["hasAnnounced"].is_boolean()
    );
    // cross-seed looks for torrents of equal content, by all of them.
    let fields = json!([
        "hashString",
        "downloadDir",
        "percentDone",
        "status",
        "labels",
        "name",
        "files",
        "totalSize",
        "trackers",
        "leftUntilDone"
    ]);
    daemon.wait("all of it", &film.info_hash, |one| one["complete"] == true);
    let told = client.legacy("torrent-get", json!({"fields": fields}));
    let told = &told["torrents"][0];
    assert_eq!(
        told["files"],
        json!([{"name": "film", "length": 100_000, "bytesCompleted": 100_000, "beginPiece": 0, "endPiece": 7}])
    );
    assert_eq!((&told["percentDone"], &told["trackers"][0]["tier"]), (&json!(1.0), &json!(0)));
    for method in ["torrent-verify", "torrent-stop", "torrent-start"] {
        client.legacy(method, json!({"ids": [film.info_hash]}));
    }
}

#[test]
fn content_is_moved_renamed_and_removed() {
    let daemon = Driven::start("transmission-moves");
    let film = daemon.complete("film");
    let content = fs::read(daemon.root().join("film")).expect("own file");
    let client = Client::new(&daemon, &daemon.token);
    client.legacy("torrent-add", json!({"metainfo": base64(&film)}));
    daemon.wait("all of it", &film.info_hash, |one| one["state"] == "seeding");
    let sub = daemon.root().join("films");
    assert!(
        client.refused("torrent-set-location", json!({"ids": [1], "location": "/etc", "move": true})).contains("/etc")
    );
    assert!(client.refused("torrent-set-location", json!({"ids": [1], "location": sub})).contains("move"));
    client.legacy("torrent-set-location", json!({"ids": [1], "location": sub, "move": true}));
    daemon.wait("its new place", &film.info_hash, |one| one["folder"] == json!(sub) && one["state"] == "seeding");
    assert!(fs::read(sub.join("film")).expect("it was moved") == content && !daemon.root().join("film").exists());
    let renamed = client.legacy("torrent-rename-path", json!({"ids": [1], "path": "film", "name": "a film"}));
    assert_eq!(renamed, json!({"path": "film", "name": "a film", "id": 1}));
    let told = client.legacy("torrent-get", json!({"fields": ["downloadDir", "name"]}));
    assert_eq!(told["torrents"][0], json!({"downloadDir": sub, "name": "a film"}), "programs look there for it");
    assert!(fs::read(sub.join("a film")).expect("it was renamed") == content);
    fs::write(sub.join("not its own"), "x").expect("the folder is writable");
    client.legacy("torrent-remove", json!({"ids": [1], "delete-local-data": true}));
    assert!(!sub.join("a film").exists() && sub.join("not its own").exists());
    assert_eq!(daemon.list().len(), 0);
}
