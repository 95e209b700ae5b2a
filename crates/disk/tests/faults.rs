//! Full disks, failing media, files changed by others while they are served.
mod rig;

use rig::{Rig, T, make};
use std::path::Path;
use std::sync::Arc;
use teem_disk::{Block, DiskConfig, Place};
use teem_faultfs::{FaultFs, Faults};
use teem_swarm::ids::ConnId;
use teem_swarm::job::{DiskErrorKind, Done, Job, Reader};
use teem_swarm::selection::{Priority, Selection};

fn place() -> Place {
    Place::download("/data", "/state")
}

#[test]
fn a_full_disk_pauses_and_recovers() {
    let (made, fs) = (make("", 65_536, &[("f", 400_000)]), FaultFs::new(1));
    let mut rig = Rig::on(&DiskConfig::default(), Arc::new(fs.clone()));
    rig.open(&made, place());
    rig.download(&made, 0..2);
    fs.faults(Faults { capacity: Some(150_000), ..Faults::default() });
    rig.write(&made, 2);
    let error = rig.wait(|d| match d {
        Done::WriteFailed { piece: 2, error, .. } => Some(error.clone()),
        _ => None,
    });
    assert_eq!(error.kind, DiskErrorKind::NoSpace);
    assert!(error.message.starts_with("needs ") && error.message.contains("/data"), "{error}");
    // What is there is served meanwhile.
    let at = made.blocks(1)[3];
    assert_eq!(rig.read(at).unwrap(), made.data(at));
    fs.faults(Faults::default());
    rig.wait(|d| matches!(d, Done::Recovered { .. }).then_some(()));
    rig.download(&made, 2..made.pieces());
    rig.sync().unwrap();
}

#[test]
fn another_choice_that_finds_no_room_for_the_state_is_over_when_there_is_some() {
    let made = make("t", 16384, &[("a", 300_000), ("b", 300_000)]);
    let fs = FaultFs::new(1);
    let mut rig = Rig::on(&DiskConfig::default(), Arc::new(fs.clone()));
    rig.open(&made, place());
    rig.download(&made, 0..2);
    fs.faults(Faults { capacity: Some(1), ..Faults::default() });
    let selection = Selection::of(vec![Priority::Normal, Priority::Skip]);
    rig.submit([Job::Select { torrent: T, selection }]);
    let told = |done: &Done<Block>| match done {
        Done::Trouble { error, .. } => Some(error.kind),
        _ => None,
    };
    assert_eq!(rig.wait(told), DiskErrorKind::NoSpace);
    fs.faults(Faults::default());
    rig.wait(|done| matches!(done, Done::Recovered { .. }).then_some(()));
}

#[test]
fn too_little_room_is_told_at_the_start() {
    let (made, fs) = (make("", 65_536, &[("f", 400_000)]), FaultFs::new(1));
    fs.faults(Faults { capacity: Some(300_000), ..Faults::default() });
    let mut rig = Rig::on(&DiskConfig::default(), Arc::new(fs.clone()));
    rig.open(&made, place());
    let error = rig.wait(|d| match d {
        Done::Trouble { error, .. } => Some(error.message.clone()),
        _ => None,
    });
    assert!(error.starts_with("needs 390.6 KiB on /data, has 29"), "{error}");
    fs.faults(Faults::default());
    rig.wait(|d| matches!(d, Done::Recovered { .. }).then_some(()));
}

#[test]
fn no_wrong_byte_leaves_when_a_file_is_edited() {
    let (made, fs) = (make("t", 32_768, &[("a", 100_000), ("b", 50_000)]), FaultFs::new(1));
    let mut rig = Rig::on(&DiskConfig::default(), Arc::new(fs.clone()));
    rig.open(&made, place());
    rig.download(&made, 0..made.pieces());
    fs.meddle(Path::new("/data/t/a"), 40_000);
    // The edited piece (1) is refused and told of; the others of its file are hashed again and served.
    rig.submit((0..made.pieces()).flat_map(|p| made.blocks(p)).map(|at| Job::Read {
        torrent: T,
        reader: Reader::Peer(ConnId(1)),
        at,
    }));
    let mut refused = 0;
    for at in (0..made.pieces()).flat_map(|p| made.blocks(p)) {
        let data = rig.wait(|d| match d {
            Done::Block { at: got, data, .. } if *got == at => Some(Some(data.as_ref().to_vec())),
            Done::ReadFailed { at: got, error, .. } if *got == at => {
                assert_eq!(error.kind, DiskErrorKind::Changed);
                Some(None)
            }
            _ => None,
        });
        match data {
            Some(data) => assert!(data == made.data(at), "a wrong byte in {at:?}"),
            None => refused += usize::from(at.piece == 1),
        }
    }
    assert_eq!(refused, 2);
    rig.wait(|d| matches!(d, Done::Checked { piece: 1, ok: false, .. }).then_some(()));
    rig.download(&made, [1]);
    assert!(rig.read(made.blocks(1)[0]).is_ok());
}

#[test]
fn a_bad_sector_costs_its_piece_only() {
    let (made, fs) = (make("t", 32_768, &[("a", 65_536), ("b", 65_536)]), FaultFs::new(1));
    let mut rig = Rig::on(&DiskConfig::default(), Arc::new(fs.clone()));
    rig.open(&made, place());
    rig.download(&made, 0..made.pieces());
    fs.faults(Faults { bad_medium: Some("/a"), ..Faults::default() });
    assert!(rig.read(made.blocks(0)[0]).is_err());
    rig.wait(|d| matches!(d, Done::Checked { piece: 0, ok: false, .. }).then_some(()));
    assert!(rig.read(made.blocks(2)[0]).is_ok());
}

#[test]
fn what_rots_is_noticed_when_a_peer_asks_for_it_again() {
    let (made, fs) = (make("t", 32_768, &[("a", 100_000), ("b", 50_000)]), FaultFs::new(1));
    for (path, at, len) in made.stored() {
        fs.put(&Path::new("/data/t").join(path), &made.bytes[at..at + len]);
    }
    let mut rig = Rig::on(&DiskConfig::default(), Arc::new(fs.clone()));
    rig.open_checked(&made, Place::seed("/data", "/state"));
    fs.rot(Path::new("/data/t/a"), 40_000);
    let piece = made.blocks(1);
    for &at in &piece {
        rig.read(at).unwrap();
    }
    let refused = rig.read(piece[0]).unwrap_err();
    assert!(refused.contains("/data/t/a"), "{refused}");
    rig.wait(|d| matches!(d, Done::Checked { piece: 1, ok: false, .. }).then_some(()));
    let said = rig.wait(|d| match d {
        Done::Remark { text, .. } => Some(text.clone()),
        _ => None,
    });
    assert_eq!(said, refused, "the same words, so that they are read once");
    assert!(rig.read(piece[1]).is_err(), "nor is the rest of it given");
    // What is right is hashed and given once more.
    for _ in 0..3 {
        assert_eq!(rig.read(made.blocks(2)[0]).unwrap(), made.data(made.blocks(2)[0]));
    }
}

#[test]
fn what_is_mounted_in_the_folder_is_made_durable_too() {
    let names: Vec<String> = (0..160).map(|n| format!("{}/{n}", ["own", "mount"][n % 2])).collect();
    let files: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 16_384)).collect();
    let (made, fs) = (make("t", 16_384, &files), FaultFs::new(3));
    fs.faults(Faults { mounted: Some("/mount/"), ..Faults::default() });
    let mut rig = Rig::on(&DiskConfig::default(), Arc::new(fs.clone()));
    rig.open(&made, place());
    rig.download(&made, 0..made.pieces());
    rig.sync().unwrap();
    fs.cut();
    drop(rig);
    fs.faults(Faults { mounted: Some("/mount/"), ..Faults::default() });
    let mut rig = Rig::on(&DiskConfig::default(), Arc::new(fs.clone()));
    let (have, _) = rig.open(&made, place());
    assert_eq!(have.len(), 160);
    for at in have.into_iter().flat_map(|piece| made.blocks(piece)) {
        assert!(rig.read(at).unwrap() == made.data(at), "{at:?} is claimed and not there");
    }
}
