//! `teem state import` and `export`: what was kept elsewhere goes on in the daemon, and nothing that was verified is hashed again.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::home::{Home, READY, signal, wait_event};
use crate::common::process::{Process, wait_until};
use crate::common::run::{Ran, command, teem};
use serde_json::{Value, json};

/// The line of this torrent.
fn of<'a>(lines: &'a [Value], hash: &str) -> &'a Value {
    lines.iter().find(|line| line["infohash"] == hash).unwrap_or_else(|| panic!("{hash} in {lines:?}"))
}

/// A download by `teem get` of what somebody seeds, into the daemon's root, ended by hand or by itself.
fn got(home: &Home, name: &str) -> crate::common::torrent::Torrent {
    let torrent = home.torrent(name);
    let file = format!("{name}.torrent");
    let mut seed = command(home.at(), &["seed", &file, "--listen", "127.0.0.1:0", "--json"]);
    // Another state folder: what is imported is not its.
    seed.env("XDG_STATE_HOME", home.at().join("other"));
    let mut seed = Process::start(&mut seed);
    let port = wait_event(&mut seed, "listening")["port"].clone();
    let peer = format!("127.0.0.1:{port}");
    let get = ["get", &file, "-o", "files", "--peer", &peer, "--listen", "127.0.0.1:0"];
    teem(home.at(), &get).ended(0);
    torrent
}

#[test]
fn what_get_has_saved_goes_on_in_the_daemon() {
    let home = Home::new("state-import");
    home.configure("");
    let (whole, changed) = (got(&home, "whole"), got(&home, "changed one"));
    // One of which nothing is there yet.
    let none = home.torrent("nobody has it");
    let mut get =
        command(home.at(), &["get", "nobody has it.torrent", "-o", "files", "--listen", "127.0.0.1:0", "--json"]);
    let mut get = Process::start(&mut get);
    get.wait_line("downloading", READY, |line| line.contains("\"downloading\"").then_some(()));
    let _daemon = home.start(&[]);
    let import = |more: &[&str]| home.run(&[&["state", "import", "--json"], more].concat());
    let first = import(&["--dry-run"]).ended(1);
    let held = of(&first.lines(), &none.info_hash).clone();
    assert!(held["error"].as_str().is_some_and(|why| why.contains("stop that one first")), "{held}");
    assert!(home.run(&["list"]).ended(0).out.is_empty(), "nothing is changed");
    signal(&get, "-INT");
    get.wait_exit(READY);

    let path = home.at().join("files/changed one");
    let mut bytes = fs::read(&path).expect("it is there");
    bytes[70_000] ^= 1;
    fs::write(&path, bytes).expect("own folder");
    let lines = import(&["--with", "nobody has it.torrent"]).ended(0).lines();
    assert_eq!(lines.iter().filter(|line| line["event"] == "imported").count(), 3, "{lines:?}");
    let stand = |hash: &str| {
        let all = home.list(&[]);
        let line = of(&all, hash);
        (line["state"].as_str().unwrap_or_default().to_owned(), line["complete"].clone())
    };
    wait_until("the changed one is hashed", READY, || {
        (stand(&changed.info_hash) == ("downloading".to_owned(), json!(false))).then_some(())
    });
    assert_eq!(stand(&whole.info_hash), ("seeding".to_owned(), json!(true)));
    assert_eq!(stand(&none.info_hash), ("downloading".to_owned(), json!(false)));
    let all = home.list(&[]);
    assert_eq!(of(&all, &whole.info_hash)["downloaded_total"], 100_000, "totals are kept");
    assert_eq!(of(&all, &changed.info_hash)["have"], json!(100_000 - (16 << 10)), "one piece was damaged");
    // Once more: all are there already.
    let again = import(&[]).ended(0).lines();
    assert!(again.iter().all(|line| line["event"] == "already"), "{again:?}");
}

fn export(home: &Home, to: &str) -> Ran {
    home.run(&["state", "export", to, "--json"])
}

#[test]
fn an_export_is_what_another_daemon_goes_on_with() {
    let home = Home::new("state-export");
    home.configure("");
    let (film, song) = (got(&home, "film"), got(&home, "song"));
    let rare = home.torrent("rare");
    let mut daemon = home.start(&[]);
    home.run(&["state", "import"]).ended(0);
    home.run(&["add", "rare.torrent", "--label", "films", "--paused", "--until", "ratio=3", "--up", "5k"]).ended(0);
    home.run(&["set", "song", "labels=new", "down=7k"]).ended(0);
    home.run(&["set", "song", "queue=top"]).ended(0);
    let seeds = || (home.list(&["film"])[0]["state"] == "seeding").then_some(());
    wait_until("it seeds", READY, seeds);
    let before = home.list(&["--sort", "name"]);
    let done = export(&home, "kept").ended(0).json();
    assert_eq!((&done["event"], &done["torrents"]), (&json!("exported"), &json!(3)));
    let refused = export(&home, "kept").ended(3);
    assert!(refused.err.contains("empty") || refused.out.contains("empty"), "{refused:?}");
    for (name, bits) in [("kept", 0o700), ("kept/export.json", 0o600)] {
        let mode = fs::metadata(home.at().join(name)).expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode, bits, "{name}");
    }
    let torrent = fs::read(home.at().join(format!("kept/{}.torrent", rare.info_hash))).expect("it is there");
    assert_eq!(torrent, fs::read(home.at().join("rare.torrent")).expect("it was made"));
    signal(&daemon, "-TERM");
    daemon.wait_exit(READY);

    // Another daemon, of another folder of saved state, which has one of them.
    let mut second = home.daemon(&[]);
    second.env("XDG_STATE_HOME", home.at().join("second"));
    let second = Home::started(&mut second);
    home.run(&["add", "song.torrent", "--paused"]).ended(0);
    let lines = home.run(&["state", "import", "kept", "--json"]).ended(0).lines();
    let events = |hash: &str| of(&lines, hash)["event"].clone();
    assert_eq!([&film, &song, &rare].map(|torrent| events(&torrent.info_hash)), ["imported", "already", "imported"]);
    wait_until("it seeds", READY, seeds);
    let after = home.list(&["--sort", "name"]);
    for key in ["folder", "labels", "added", "complete", "have", "up_limit", "until", "downloaded_total", "state"] {
        for name in ["film", "rare"] {
            let find = |all: &[Value]| all.iter().find(|one| one["name"] == name).expect("it is there")[key].clone();
            assert_eq!(find(&after), find(&before), "{key} of {name}");
        }
    }
    let song = after.iter().find(|one| one["name"] == "song").expect("it is there");
    assert_eq!((&song["state"], &song["labels"]), (&json!("paused"), &json!([])), "it is left alone");
    drop(second);
}

#[test]
fn what_cannot_be_imported_is_refused_with_what_to_do() {
    let home = Home::new("state-refused");
    home.configure("");
    let film = got(&home, "film");
    let daemon = home.start(&[]);
    fs::create_dir(home.at().join("nothing")).expect("own folder");
    let nothing = home.run(&["state", "import", "nothing", "--json"]).ended(1);
    assert_eq!(nothing.class(), "nothing_to_import");
    home.run(&["state", "import"]).ended(0);
    export(&home, "kept").ended(0);
    home.run(&["remove", "film"]).ended(0);
    let import = || {
        let line = home.run(&["state", "import", "kept", "--json"]).ended(1).json();
        line["error"].as_str().unwrap_or_else(|| panic!("{line}")).to_owned()
    };
    let path = home.at().join(format!("kept/{}.json", film.info_hash));
    let good = fs::read_to_string(&path).expect("it is there");
    // Its disk is not mounted.
    fs::rename(home.at().join("files/film"), home.at().join("elsewhere")).expect("own folder");
    assert!(import().contains("mount its disk"));
    fs::rename(home.at().join("elsewhere"), home.at().join("files/film")).expect("own folder");
    for (bad, why) in [
        (good.replace("files\"", "other\""), "--root"),
        (good.replace("\"paused\"", "\"hook\""), "hook"),
        (good.replace("\"folder\"", "\"name\": \"../film\", \"folder\""), "names"),
        ("{".to_owned(), "not understood"),
    ] {
        fs::write(&path, bad).expect("own folder");
        let said = import();
        assert!(said.contains(why), "{said}");
    }
    // Saved state that was tampered with is believed by nobody: the content is hashed.
    let mut value: Value = serde_json::from_str(&good).expect("JSON");
    let state = value["saved"]["state"].as_str().expect("a record").to_owned();
    // The end of it says how many bits are left over, and is not any letter.
    let (begin, end) = (40, state.len() - 8);
    let wrong = format!("{}{}{}", &state[..begin], state[begin..end].replace('A', "B"), &state[end..]);
    assert_ne!(wrong, state);
    value["saved"]["state"] = json!(wrong);
    fs::write(&path, value.to_string()).expect("own folder");
    home.run(&["state", "import", "kept"]).ended(0);
    wait_until("it is hashed", READY, || (home.list(&["film"])[0]["complete"] == true).then_some(()));
    // By a token nothing of it is had.
    drop(daemon);
    let none = home.run(&["state", "import", "kept", "--json"]).ended(3);
    assert_eq!(none.class(), "no_daemon");
}
