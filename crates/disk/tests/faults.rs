//! Full disks, failing media, files changed by others while they are served.
mod fault;
mod rig;

use fault::{FaultFs, Faults};
use rig::{Rig, T, make};
use std::path::Path;
use std::sync::Arc;
use teem_disk::{DiskConfig, Place};
use teem_swarm::ids::ConnId;
use teem_swarm::job::{DiskErrorKind, Done, Job, Reader};

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
