//! Content behind symbolic links (`docs/existing-files.md`): read where the user made them, never written through.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod rig;

use rig::{Made, Rig, Scratch, make};
use std::fs;
use std::os::unix::fs::{lchown, symlink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use teem_disk::verify::verify;
use teem_disk::{DiskConfig, Place};
use teem_swarm::job::Done;

fn tree() -> Made {
    make("t", 16_384, &[("a/b", 40_000), ("a/c", 30_000), ("d", 10)])
}

/// The content in `data`, of which one entry has been moved elsewhere and left a link.
fn moved(made: &Made, entry: &str, target: impl FnOnce(&Scratch) -> std::path::PathBuf) -> Scratch {
    let dir = Scratch::new("moved");
    fs::create_dir(dir.join("data")).unwrap();
    made.put(&dir.join("data"));
    fs::create_dir(dir.join("elsewhere")).unwrap();
    fs::rename(dir.join("data").join(entry), dir.join("elsewhere/it")).unwrap();
    symlink(target(&dir), dir.join("data").join(entry)).unwrap();
    dir
}

/// What a seed finds, and whether `verify` calls it whole; they must agree.
fn found(made: &Made, dir: &Scratch) -> bool {
    let (mut rig, state) = (Rig::start(&DiskConfig::default()), Scratch::new("state"));
    let have = rig.open_checked(made, Place::seed(dir.join("data"), &state.0));
    for at in have.iter().flat_map(|&piece| made.blocks(piece)) {
        assert_eq!(rig.read(at).unwrap(), made.data(at));
    }
    let place = Place::seed(dir.join("data"), "");
    let report = verify(&made.info, &place, Some(1), &AtomicU64::new(0), &AtomicBool::new(false)).unwrap();
    assert_eq!(report.whole, have.len() as u32 == made.pieces(), "{report:?}");
    report.whole
}

#[test]
fn content_behind_links_is_served() {
    let made = tree();
    for entry in ["t", "t/a", "t/a/b", "t/d"] {
        let up = "../".repeat(entry.matches('/').count() + 1);
        assert!(found(&made, &moved(&made, entry, |dir| dir.join("elsewhere/it"))), "{entry}: absolute");
        assert!(found(&made, &moved(&made, entry, |_| format!("{up}elsewhere/./it").into())), "{entry}: relative");
        let chain = moved(&made, entry, |dir| dir.join("second"));
        symlink("elsewhere", chain.join("first")).unwrap();
        symlink("first/it", chain.join("second")).unwrap();
        assert!(found(&made, &chain), "{entry}: a chain, the folder on the way a link too");
    }
}

#[test]
fn links_to_nothing_or_round_in_a_circle_are_no_content() {
    let made = tree();
    for target in ["nowhere", "b"] {
        let dir = moved(&made, "t/a/b", |_| target.into());
        let mut rig = Rig::start(&DiskConfig::default());
        // A seed serves the rest.
        assert_eq!(rig.open_checked(&made, Place::seed(dir.join("data"), dir.join("state"))), [3, 4], "{target}");
        assert!(!found(&made, &dir));
        let error = Rig::start(&DiskConfig::default())
            .try_open(&made, Place::download(dir.join("data"), dir.join("state2")))
            .unwrap_err();
        assert!(error.starts_with("BadPath") && error.contains("symbolic link"), "{error}");
    }
}

#[test]
fn a_link_of_another_user_is_not_followed() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: only root can make another user's link");
        return;
    }
    let made = tree();
    let dir = moved(&made, "t/a", |dir| dir.join("elsewhere/it"));
    lchown(dir.join("data/t/a"), Some(4711), Some(4711)).unwrap();
    assert!(!found(&made, &dir));
    // The owner of the folder is somebody whose links count.
    std::os::unix::fs::chown(dir.join("data"), Some(4711), Some(4711)).unwrap();
    assert!(found(&made, &dir));
}

#[test]
fn a_download_uses_what_is_whole_behind_a_link_and_writes_nothing_there() {
    let made = tree();
    let dir = moved(&made, "t/a/b", |dir| dir.join("elsewhere/it"));
    fs::remove_file(dir.join("data/t/a/c")).unwrap();
    let place = Place::download(dir.join("data"), dir.join("state"));
    let mut rig = Rig::start(&DiskConfig::default());
    assert_eq!(rig.open_checked(&made, place.clone()), [0, 1]);
    rig.download(&made, 2..5);
    rig.close(teem_swarm::job::Facts::default());
    made.assert_whole(&dir.join("data"));
    // Damaged behind the link: it is not mended there.
    let mut wrong = fs::read(dir.join("elsewhere/it")).unwrap();
    wrong[5] ^= 1;
    fs::write(dir.join("elsewhere/it"), &wrong).unwrap();
    assert_eq!(rig.open_checked(&made, place), [1, 2, 3, 4]);
    rig.write(&made, 0);
    let error = rig.wait(|done| match done {
        Done::WriteFailed { piece: 0, error, .. } => Some(error.message.clone()),
        _ => None,
    });
    assert!(error.contains("t/a/b: a symbolic link is in the way"), "{error}");
    assert!(fs::read(dir.join("elsewhere/it")).unwrap() == wrong);
}

#[test]
fn what_a_link_leads_to_must_be_a_file() {
    let made = tree();
    for target in ["/", "/dev/zero", "."] {
        let dir = moved(&made, "t/d", |_| Path::new(target).to_path_buf());
        assert!(!found(&made, &dir), "{target}");
    }
}
