//! `bench scale`: what the program costs for many files, many pieces and much content, each doubled again and again, and
//! how that grows. More than linear growth is a failure.
//!
//! `axis` is what is doubled, `course` what is done with it, `meter` what that costs, `growth` how it grows `report` and `chart`
//! tell of it.
mod axis;
mod chart;
mod course;
mod growth;
mod meter;
mod report;

use crate::bench::{self, Failed};
use axis::Axis;
use report::Measured;
use std::fs;
use std::path::{Path, PathBuf};

/// Measures with the binary that is named, or the release build of `root`; returns the text to print. Words: `--smoke`,
/// `--teem BINARY`, `--axis NAME`, `--to SIZE`, `--in FOLDER`, `--write DOCUMENT` (its tables, and pictures in `img` beside it).
pub fn run(root: &Path, words: &[&str]) -> Result<String, Failed> {
    let strange = |word: &str| Failed::new(format!("bench scale: {word:?} means nothing here"));
    let mut write = None;
    let (mut named, mut smoke, mut axes, mut to, mut within) =
        (None, false, Axis::ALL.to_vec(), None, std::env::temp_dir());
    let mut words = words.iter();
    while let Some(&word) = words.next() {
        if word == "--smoke" {
            smoke = true;
            continue;
        }
        let value = *words.next().ok_or_else(|| strange(word))?;
        match word {
            "--teem" => named = Some(PathBuf::from(value)),
            "--axis" => axes = vec![Axis::named(value).ok_or_else(|| strange(value))?],
            "--to" => to = Some(value.parse().map_err(|_| strange(value))?),
            "--write" => write = Some(PathBuf::from(value)),
            "--in" => within = PathBuf::from(value),
            _ => return Err(strange(word)),
        }
    }
    let teem = named.map_or_else(|| bench::built(root), Ok)?;
    let (mut text, mut faults) = (String::new(), Vec::new());
    for axis in axes {
        let folder = within.join(format!("teem-scale-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let measured = measure(&teem, &folder, axis, &axis.sizes(smoke, to), write.as_deref());
        let _ = fs::remove_dir_all(&folder);
        let (tables, too_fast) = measured?.told();
        text += &tables;
        faults.extend(too_fast);
    }
    if faults.is_empty() { Ok(text) } else { Err(Failed::new(format!("{}\n\n{text}", faults.join("\n")))) }
}

fn measure(teem: &Path, folder: &Path, axis: Axis, sizes: &[u64], document: Option<&Path>) -> Result<Measured, Failed> {
    let (mut measured, mut before) = (Measured::new(axis), 0);
    for &size in sizes {
        let costs = course::measure(teem, folder, axis, before, size)?;
        eprintln!("{}", report::line(axis, size, &costs));
        measured.sizes.push((size, costs));
        before = size;
        if let Some(document) = document.filter(|_| measured.sizes.len() > 1) {
            let told = report::put_into(&fs::read_to_string(document)?, axis, &measured.told().0)?;
            fs::write(document, told)?;
            let picture = document.with_file_name(format!("img/scale-{}.svg", axis.name()));
            fs::write(picture, chart::chart(&measured))?;
        }
    }
    Ok(measured)
}
