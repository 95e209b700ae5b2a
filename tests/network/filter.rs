//! Lists of addresses by the binary (`--filter`): nobody in them is dialled or let in, SIGHUP reads them again, and then those who are met already are let go.
#![cfg(unix)]

use crate::common::content::{self, Shape};
use crate::common::teem::Teem;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(60);

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("teem-filter-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

/// Shares 4 MiB at 127.0.0.1 without a tracker, with a list; its magnet and port.
fn share(folder: &Path, list: &Path) -> (Teem, String, u64) {
    content::write(folder, "thing", Shape::Single, 4 << 20);
    let (path, list) = (folder.join("thing"), list.to_string_lossy());
    let path = path.to_string_lossy();
    let args = ["share", &path, "--hidden", "--no-tracker", "--listen", "127.0.0.1:0", "--filter", &list];
    let mut teem = Teem::start(&folder.join("home1"), &args);
    let ready = teem.wait_event("ready", LIMIT);
    let magnet = ready["magnet"].as_str().expect("a magnet").to_owned();
    (teem, magnet, ready["port"].as_u64().expect("a port"))
}

fn get(folder: &Path, magnet: &str, more: &[&str]) -> Teem {
    let out = folder.join("out");
    let out = out.to_string_lossy();
    Teem::start(&folder.join("home2"), &[&["get", magnet, "-o", &out, "--listen", "127.0.0.2:0"], more].concat())
}

/// Waits until a status is as wanted.
fn status(teem: &mut Teem, what: &str, wanted: impl Fn(&Value) -> bool) {
    teem.wait_line(what, LIMIT, |line| {
        let value: Value = serde_json::from_str(line).ok()?;
        (value["event"] == "status" && wanted(&value)).then_some(())
    });
}

fn connected(value: &Value) -> usize {
    value["peers"].as_array().map_or(0, Vec::len)
}

#[test]
fn a_list_that_is_read_again_lets_go_of_whom_it_names_and_later_lets_them_in() {
    let folder = folder("again");
    let list = folder.join("list.txt");
    fs::write(&list, "10.9.0.0/16\n").expect("own folder");
    let (mut share, magnet, port) = share(&folder, &list);
    let peer = format!("127.0.0.1:{port}");
    let mut get = get(&folder, &magnet, &["--peer", &peer, "--down", "200k"]);
    status(&mut share, "a peer", |value| connected(value) == 1);
    let reread = |share: &mut Teem, text: &str, ranges: u64| {
        fs::write(&list, text).expect("own folder");
        let id = share.id().to_string();
        assert!(Command::new("kill").args(["-HUP", &id]).status().expect("kill runs").success());
        share.wait_line("the list", LIMIT, |line| {
            let value: Value = serde_json::from_str(line).ok()?;
            (value["event"] == "filter" && value["ranges"] == ranges).then_some(())
        });
    };
    reread(&mut share, "10.9.0.0/16\n127.0.0.2\n", 2);
    status(&mut share, "nobody", |value| connected(value) == 0);
    status(&mut share, "a refusal", |value| value["filtered"]["accepts"].as_u64() > Some(0));
    reread(&mut share, "10.9.0.0/16\n", 1);
    get.wait_complete(LIMIT);
    content::assert_same(&folder.join("thing"), &folder.join("out/thing"));
    drop((share, get));
    fs::remove_dir_all(&folder).expect("own folder");
}

#[test]
fn whom_a_list_names_is_not_dialled_and_is_no_failure_of_the_network() {
    let folder = folder("out");
    let (empty, list) = (folder.join("empty.txt"), folder.join("list.txt"));
    fs::write(&empty, "10.9.0.0/16\n").expect("own folder");
    fs::write(&list, "127.0.0.1-127.0.0.1\n").expect("own folder");
    let (mut share, magnet, port) = share(&folder, &empty);
    let (peer, list) = (format!("127.0.0.1:{port}"), list.to_string_lossy());
    let mut get = get(&folder, &magnet, &["--peer", &peer, "--filter", &list]);
    status(&mut get, "a filtered dial", |value| {
        assert_eq!((&value["dials_tcp"]["failed"], &value["dials_refused"]), (&Value::from(0), &Value::from(0)));
        value["filtered"]["dials"].as_u64() > Some(0)
    });
    status(&mut share, "nobody", |value| connected(value) == 0);
    drop((share, get));
    fs::remove_dir_all(&folder).expect("own folder");
}
