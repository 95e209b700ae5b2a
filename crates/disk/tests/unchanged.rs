//! A torrent that nothing has happened to is closed without a write: thousands end within seconds.
#![allow(clippy::unwrap_used)] // helpers of tests are tests
mod rig;

use rig::{Rig, Scratch, make};
use std::sync::{Arc, Mutex};
use teem_disk::hooked::Hooked;
use teem_disk::root::RealFs;
use teem_disk::{DiskConfig, Place};
use teem_swarm::job::Facts;

/// The calls in the state folder that replace something or make it durable.
type Calls = Arc<Mutex<Vec<String>>>;

fn rig(calls: &Calls) -> Rig {
    let calls = Arc::clone(calls);
    let hook = move |call: &'static str, path: &std::path::Path| {
        if matches!(call, "rename" | "sync") && path.to_string_lossy().contains("/state/") {
            calls.lock().unwrap().push(format!("{call} {}", path.display()));
        }
        Ok(())
    };
    Rig::on(&DiskConfig::default(), Arc::new(Hooked::new(Arc::new(RealFs), Arc::new(hook))))
}

/// As few files as one record holds, and as many as need a table.
#[test]
fn what_is_as_it_was_saved_is_not_saved_again() {
    for files in [3, 100] {
        let dir = Scratch::new(&format!("unchanged-{files}"));
        let names: Vec<String> = (0..files).map(|n| format!("file {n}")).collect();
        let files: Vec<(&str, usize)> = names.iter().map(|name| (name.as_str(), 700)).collect();
        let made = make("t", 16_384, &files);
        let calls = Calls::default();
        let facts = |uploaded| Facts { uploaded, complete: true, ..Facts::default() };
        let place = || Place::download(&dir.0, dir.join("state"));
        let mut first = rig(&calls);
        first.open(&made, place());
        first.download(&made, 0..made.pieces());
        first.sync().unwrap();
        first.close(facts(0));
        drop(first);
        let run = |uploaded| {
            calls.lock().unwrap().clear();
            let mut rig = rig(&calls);
            rig.open(&made, place());
            rig.close(facts(uploaded));
            std::mem::take(&mut *calls.lock().unwrap())
        };
        assert_eq!(run(0), Vec::<String>::new());
        assert!(run(5).iter().any(|call| call.contains(".state")), "what was sent is counted");
        assert_eq!(run(5), Vec::<String>::new());
    }
}
