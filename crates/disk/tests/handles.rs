//! Few file handles make the disk slower, never dead. Alone in its process, because it lowers the process's limit.
mod rig;

use rig::{Rig, Scratch, make};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use teem_disk::{DiskConfig, Place};
use teem_swarm::job::Facts;

#[test]
fn three_hundred_files_with_forty_handles() {
    let dir = Scratch::new("handles");
    let names: Vec<String> = (0..300).map(|i| format!("{}/{i}", i % 7)).collect();
    let files: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 1000)).collect();
    let made = make("t", 16_384, &files);
    let mut rig = Rig::start(&DiskConfig::default());
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(40), maximum }).unwrap();
    rig.open(&made, Place::download(&dir.0, dir.join("state")));
    rig.download(&made, 0..made.pieces());
    rig.sync().unwrap();
    for piece in 0..made.pieces() {
        let at = made.blocks(piece)[0];
        assert!(rig.read(at).unwrap() == made.data(at));
    }
    rig.close(Facts::default());
    made.assert_whole(&dir.0);
}
