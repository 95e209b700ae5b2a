//! What lies in the way of content: links, folders, pipes (rows 19 and 20 of bad input). Nothing outside is touched.
mod rig;

use rig::{Made, Rig, Scratch, make};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use teem_disk::{DiskConfig, Place};

fn tree() -> Made {
    make("t", 16_384, &[("a/b", 40_000), ("c", 10)])
}

/// Opens and, if that goes well, downloads; the error that comes of it.
fn refusal(dir: &Scratch, made: &Made) -> String {
    let mut rig = Rig::start(&DiskConfig::default());
    rig.try_open(made, Place::download(dir.join("data"), dir.join("state"))).expect_err("refused")
}

#[test]
fn a_link_that_leads_outside_is_not_followed() {
    let made = tree();
    for (link, target) in
        [("data/t", "outside"), ("data/t/a", "outside"), ("data/t/a/b", "outside/b"), ("data/t/c", "nowhere")]
    {
        let dir = Scratch::new("link");
        fs::create_dir_all(dir.join("outside")).unwrap();
        fs::write(dir.join("outside/b"), b"mine").unwrap();
        fs::create_dir_all(dir.join(link).parent().unwrap()).unwrap();
        symlink(dir.join(target), dir.join(link)).unwrap();
        let error = refusal(&dir, &made);
        assert!(error.starts_with("BadPath") && error.contains("link"), "{link}: {error}");
        assert_eq!(fs::read(dir.join("outside/b")).unwrap(), b"mine");
        assert_eq!(fs::read_dir(dir.join("outside")).unwrap().count(), 1, "{link}: nothing was made outside");
        assert!(!dir.join("nowhere").exists());
    }
}

#[test]
fn the_folder_itself_may_be_reached_by_a_link() {
    let (made, dir) = (tree(), Scratch::new("own-link"));
    fs::create_dir(dir.join("real")).unwrap();
    symlink(dir.join("real"), dir.join("data")).unwrap();
    let mut rig = Rig::start(&DiskConfig::default());
    rig.open(&made, Place::download(dir.join("data"), dir.join("state")));
    rig.download(&made, 0..made.pieces());
    made.assert_whole(&dir.join("real"));
}

#[test]
fn folders_pipes_and_files_in_the_way_are_named() {
    type Put<'a> = &'a dyn Fn(&Path);
    let made = tree();
    let pipe = |path: &Path| {
        let made = rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, 0o600.into(), 0);
        made.unwrap();
    };
    let cases: [(&str, Put<'_>); 3] = [
        ("data/t/c", &|path| fs::create_dir(path).unwrap()),
        ("data/t/a/b", &pipe),
        ("data/t/a", &|path| fs::write(path, b"a file").unwrap()),
    ];
    for (at, put) in cases {
        let dir = Scratch::new("obstacle");
        fs::create_dir_all(dir.join(at).parent().unwrap()).unwrap();
        put(&dir.join(at));
        let error = refusal(&dir, &made);
        assert!(error.starts_with("BadPath") && error.contains("in the way"), "{at}: {error}");
    }
}

#[test]
fn a_link_put_in_the_way_while_downloading_is_not_followed() {
    let (made, dir) = (tree(), Scratch::new("late-link"));
    fs::create_dir(dir.join("outside")).unwrap();
    let mut rig = Rig::start(&DiskConfig { open_files: 4, ..DiskConfig::default() });
    rig.open(&made, Place::download(dir.join("data"), dir.join("state")));
    fs::create_dir(dir.join("data/t")).unwrap();
    symlink(dir.join("outside"), dir.join("data/t/a")).unwrap();
    rig.write(&made, 0);
    let error = rig.wait(|done| match done {
        teem_swarm::job::Done::WriteFailed { piece: 0, error, .. } => Some(error.message.clone()),
        _ => None,
    });
    assert!(error.contains("in the way"), "{error}");
    assert_eq!(fs::read_dir(dir.join("outside")).unwrap().count(), 0);
}

#[test]
fn content_made_elsewhere_is_seeded_under_its_own_names() {
    // A name that other systems forbid is stored under a safe one, but a seed finds it as it is.
    let (made, dir) = (make("t", 16_384, &[("what?", 20_000)]), Scratch::new("native"));
    made.put(&dir.0);
    let mut rig = Rig::start(&DiskConfig::default());
    assert_eq!(rig.open_checked(&made, Place::seed(&dir.0, dir.join("state"))), [0, 1]);
}
