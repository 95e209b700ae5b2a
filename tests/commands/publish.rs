//! A .torrent made by `create`, read back by `show`, held against its content by `verify`.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;

use crate::common::content::{self, Shape};
use crate::common::namespace::Folder;
use crate::common::run::{teem, teem_with};
use crate::common::torrent::Torrent;

#[test]
fn what_create_writes_show_tells_and_verify_confirms() {
    for (shape, name) in [(Shape::Single, "größe 100% (1).bin"), (Shape::Tree, "a tree & more")] {
        let folder = Folder::new("round-trip");
        let at = &folder.0;
        content::write(at, name, shape, 300_000);
        let typed = ["--piece-size", "16Ki", "--comment", "für alle", "--source", "TAG", "--hidden", "--json"];
        let args = [&["create", name], &typed[..]].concat();
        let made = teem(at, &args).ended(0).json();
        assert_eq!(made["event"], "created");
        let path = format!("{name}.torrent");
        assert_eq!(made["path"], path.as_str());
        let shown = teem(at, &["show", &path, "--json"]).ended(0).json();
        for key in ["infohash_v1", "name", "files", "piece_length", "pieces"] {
            assert_eq!(made[key], shown[key], "{key}");
        }
        assert_eq!(shown["comment"], "für alle");
        assert_eq!(shown["source"], "TAG");
        let listed = shown["file_list"].as_array().expect("a list");
        let wanted = content::digests(&at.join(name));
        assert_eq!(listed.len(), wanted.len());
        for file in listed {
            let path = at.join(file["path"].as_str().expect("a path"));
            assert_eq!(fs::metadata(&path).expect("it is there").len(), file["size"], "{}", path.display());
        }
        let verified = teem(at, &["verify", &path, "--json"]).ended(0).json();
        assert_eq!(verified["whole"], true);
        // From elsewhere, by the folder and by the content's own path.
        let elsewhere = Folder::new("elsewhere");
        let torrent = at.join(&path);
        for data in [at.clone(), at.join(name)] {
            let args = ["verify", &torrent.to_string_lossy(), "--data", &data.to_string_lossy()];
            teem(&elsewhere.0, &args).ended(0);
        }
        let bytes = fs::read(&torrent).expect("own torrent");
        teem_with(&elsewhere.0, &["verify", "-", "--data", &at.to_string_lossy()], &[], &bytes).ended(0);
    }
}

#[test]
fn the_info_hash_is_that_of_an_independent_writer() {
    let folder = Folder::new("independent");
    content::write(&folder.0, "plain", Shape::Single, 200_001);
    let theirs = Torrent::create(&folder.0, "plain", 32 << 10, &[]);
    let ours = teem(&folder.0, &["create", "plain", "--piece-size", "32Ki", "-o", "ours.torrent", "--json"]);
    assert_eq!(ours.ended(0).json()["infohash_v1"], theirs.info_hash.as_str());
}

#[test]
fn output_goes_where_it_is_sent_and_never_over_a_file() {
    let folder = Folder::new("output");
    let at = &folder.0;
    content::write(at, "content", Shape::Single, 50_000);
    let piped = teem(at, &["create", "content", "-o", "-"]).ended(0).bytes;
    let shown = teem_with(at, &["show", "-", "--json"], &[], &piped).ended(0).json();
    assert_eq!(shown["name"], "content");
    assert!(!at.join("content.torrent").exists() && !at.join("-").exists());
    fs::write(at.join("content.torrent"), "mine").expect("the folder is writable");
    let refused = teem(at, &["create", "content", "--json"]).ended(3);
    assert_eq!(refused.class(), "local");
    assert!(refused.err.contains("--force"), "{}", refused.err);
    assert_eq!(fs::read(at.join("content.torrent")).expect("still there"), b"mine");
    teem(at, &["create", "content", "--force"]).ended(0);
    teem(at, &["show", "content.torrent"]).ended(0);
    let nowhere = teem(at, &["create", "content", "-o", "no/such/folder/x.torrent"]).ended(3);
    assert!(nowhere.err.contains("no/such/folder"), "{}", nowhere.err);
}

#[test]
fn what_cannot_be_shared_is_listed() {
    let folder = Folder::new("skipped");
    let at = &folder.0;
    let tree = at.join("tree");
    fs::create_dir_all(tree.join("sub")).expect("the folder is writable");
    fs::write(tree.join("good"), "good").expect("the folder is writable");
    fs::write(tree.join("sub/my notes.txt"), "notes").expect("the folder is writable");
    fs::write(tree.join("notes"), "other").expect("the folder is writable");
    fs::write(tree.join("locked"), "locked").expect("the folder is writable");
    fs::set_permissions(tree.join("locked"), fs::Permissions::from_mode(0o000)).expect("own file");
    symlink("good", tree.join("link")).expect("links can be made");
    let _socket = UnixListener::bind(tree.join("socket")).expect("sockets can be made");
    let made = teem(at, &["create", "tree", "--exclude", "my notes.txt", "--json"]).ended(0).json();
    let skipped: Vec<&str> =
        made["skipped"].as_array().expect("a list").iter().filter_map(|s| s["path"].as_str()).collect();
    for name in ["link", "socket"] {
        assert!(skipped.iter().any(|path| path.ends_with(name)), "{name} is not in {skipped:?}");
    }
    assert!(
        made["skipped"].as_array().expect("a list").iter().all(|s| s["why"].as_str().is_some_and(|w| !w.is_empty()))
    );
    // Root may read everything.
    let readable = fs::read(tree.join("locked")).is_ok();
    assert_eq!(made["files"], if readable { 3 } else { 2 });
    assert!(readable || skipped.iter().any(|path| path.ends_with("locked")), "{skipped:?}");
    let told = teem(at, &["create", "tree", "-o", "again.torrent"]).ended(0);
    assert!(told.err.contains("left out") && told.err.contains("symbolic link"), "{}", told.err);
}

#[test]
fn the_torrent_is_no_part_of_itself() {
    let folder = Folder::new("itself");
    let tree = folder.0.join("tree");
    content::write(&folder.0, "tree", Shape::Tree, 50_000);
    let first = teem(&tree, &["create", ".", "--json"]).ended(0).json();
    let second = teem(&tree, &["create", ".", "--force", "--json"]).ended(0).json();
    assert_eq!(first["infohash_v1"], second["infohash_v1"]);
    assert_eq!(second["skipped"][0]["why"], "the .torrent itself", "{second}");
    teem(&tree, &["verify", "tree.torrent", "--data", ".."]).ended(0);
    fs::write(folder.0.join("single"), "content").expect("the folder is writable");
    teem(&folder.0, &["create", "single", "-o", "single", "--force"]).ended(3);
    assert_eq!(fs::read(folder.0.join("single")).expect("still there"), b"content");
}

#[test]
fn the_piece_size_is_chosen_by_the_size() {
    let folder = Folder::new("aim");
    for size in [1, 20 << 20, 65 << 20] {
        let file = fs::File::create(folder.0.join("content")).expect("the folder is writable");
        file.set_len(size).expect("sparse files can be made");
        let made = teem(&folder.0, &["create", "content", "--force", "--json"]).ended(0).json();
        let pieces = made["pieces"].as_u64().expect("a number");
        assert!((1000..=4000).contains(&pieces) || made["piece_length"] == 16 << 10, "{size} bytes: {made}");
        assert!(pieces <= 4000, "{size} bytes: {made}");
    }
}

#[test]
fn what_is_left_out_is_counted() {
    let folder = Folder::new("left-out");
    let (at, tree) = (&folder.0, folder.0.join("tree"));
    fs::create_dir_all(tree.join(".git")).expect("the folder is writable");
    for name in [".git/config", ".env", "a.o", "b.o", "c", "notes.txt", "Thumbs.db"] {
        fs::write(tree.join(name), name).expect("the folder is writable");
    }
    fs::write(tree.join(".gitignore"), "*.o\n").expect("the folder is writable");
    let create = |more: &[&str]| teem(at, &[&["create", "tree", "--force"], more].concat()).ended(0);
    let typed =
        ["--gitignore", "--exclude", "notes.*", "--web-seed", "http://m.example/", "--web-seed", "https://n.example/"];
    let told = create(&typed).err;
    assert!(told.contains("left out: 4 hidden (--hidden takes them in), 1 by --exclude, 2 by ignore files"), "{told}");
    let shown = teem(at, &["show", "tree.torrent", "--json"]).ended(0).json();
    assert_eq!(shown["file_list"].as_array().map(Vec::len), Some(1), "{shown}");
    assert_eq!(shown["web_seeds"], serde_json::json!(["http://m.example/", "https://n.example/"]));
    let all = create(&["--hidden", "--json"]).json();
    assert_eq!(all["files"], 8);
    assert_eq!(all["left_out"], serde_json::json!({"hidden": 0, "excluded": 0, "ignored": 0}));
    fs::write(at.join("list"), "c\n*.txt\n").expect("the folder is writable");
    assert_eq!(create(&["--ignore-file", "list", "--json"]).json()["left_out"]["ignored"], 2);
    assert!(teem(at, &["create", "tree", "--force", "--ignore-file", "absent"]).ended(3).err.contains("absent"));
    assert!(teem(at, &["create", "tree", "--web-seed", "ftp://m.example/"]).ended(2).err.contains("--web-seed"));
}
