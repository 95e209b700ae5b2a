//! The table from runs that are kept in a file: medians, aims, the document.
use serde_json::json;
use std::path::PathBuf;
use teem_sim::report::Report;
use teem_sim::table::{self, Options};
use teem_sim::world::World;
use teem_sim::{catalog, makers};

/// A run of some world stands for one of the table; what matters is its figures.
fn report(seed: u64, makespan: Option<u64>, all_out: u64) -> Report {
    let mut world = World::new(catalog::pair(), seed, Box::new(makers::plain));
    world.run();
    let report = Report::of(&world, seed);
    Report { over_bound_permille: makespan, all_out_permille: Some(all_out), wasted_permille: 3, ..report }
}

fn runs(name: &str, granting: [Option<u64>; 3]) -> Options {
    let folder = std::env::temp_dir().join(format!("teem-sim-table-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("runs.json");
    let mut list = Vec::new();
    for (seed, makespan) in (1..).zip(granting) {
        for (granting, makespan) in [(true, makespan), (false, Some(1700))] {
            let report = report(seed, makespan, if granting { 1005 } else { 1900 });
            list.push(json!({ "case": "equal", "n": 10, "granting": granting, "seed": seed, "wall_ms": 9, "report": report, "series": [] }));
        }
    }
    std::fs::write(&file, serde_json::to_string(&list).expect("JSON")).expect("a file");
    let rows = vec!["equal-n10".to_string()];
    Options { up_to: 10, rows, merge: vec![file], only_merged: true, ..Options::default() }
}

fn print(options: &Options) -> (bool, String) {
    let mut out = Vec::new();
    let met = table::run(options, &mut out).expect("a table");
    (met, String::from_utf8(out).expect("text"))
}

fn folder(options: &Options) -> PathBuf {
    options.merge[0].parent().expect("a folder").to_path_buf()
}

#[test]
fn medians_stand_beside_what_is_aimed_at() {
    let mut options = runs("met", [Some(1070), Some(1050), Some(1045)]);
    let (met, text) = print(&options);
    assert!(met, "{text}");
    for cells in [["makespan / T*", "1.050", "1.700", "≤ 1.06"], ["copies until all out", "1.005", "1.900", "≤ 1.01"]]
    {
        let line = text.lines().find(|line| line.contains(cells[0])).unwrap();
        assert!(cells.iter().all(|cell| line.contains(cell)) && line.ends_with("met"), "{line}");
    }
    let path = folder(&options).join("table.md");
    options.write = Some(path.clone());
    print(&options);
    let document = std::fs::read_to_string(path).unwrap();
    let row = "| equal rates, u_s = u | 10 | makespan / T\\* | 1.050 (1.045 to 1.070) | 1.700 | ≤ 1.06 | met |";
    assert!(document.contains(row) && document.contains("Seeds: 1 to 3 for N = 10."), "{document}");
    std::fs::remove_dir_all(folder(&options)).unwrap();
}

#[test]
fn a_median_beyond_the_aim_is_missed_and_so_is_a_swarm_that_does_not_complete() {
    for (name, granting) in [("late", [Some(1070), Some(1065), Some(1045)]), ("never", [None, None, Some(1045)])] {
        let options = runs(name, granting);
        let (met, text) = print(&options);
        assert!(!met && text.contains("MISSED") && text.contains("1 missed"), "{text}");
        std::fs::remove_dir_all(folder(&options)).unwrap();
    }
}
