//! Presets of `create` and `share` (own design): what one says about every torrent of a kind, under a name in a TOML file.
//!
//! What is typed, or stands in an environment variable, wins over the preset, a list as a whole. An unknown key is refused, because one
//! that is misspelt would otherwise be left out of what cannot be changed later.
use crate::cli::metainfo::MetainfoOptions;
use crate::exit::Stop;
use crate::foreign::plain;
use crate::units::ByteSize;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use teem_client::store;
use teem_wire::tracker::url::{TrackerUrl, redact};

/// Bytes of a configuration file that are read.
const CONFIG_MAX: u64 = 1 << 20;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    preset: BTreeMap<String, Preset>,
}

/// One table `[preset.NAME]`; each key is the option of that name.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Preset {
    #[serde(default)]
    trackers: Vec<String>,
    #[serde(default)]
    web_seeds: Vec<String>,
    private: Option<bool>,
    source: Option<String>,
    comment: Option<String>,
    piece_size: Option<String>,
    #[serde(default)]
    exclude: Vec<String>,
    hidden: Option<bool>,
    gitignore: Option<bool>,
}

/// The options with those of their preset where nothing was typed.
pub(crate) fn beneath(typed: &MetainfoOptions) -> Result<MetainfoOptions, Stop> {
    let mut all = typed.clone();
    let Some(name) = &typed.preset else { return Ok(all) };
    let file = match &typed.config {
        Some(file) => file.clone(),
        None => store::config_dir().map_err(Stop::local)?.join("config.toml"),
    };
    let preset = named(name, &file)?;
    let bad = |key: &str, why: String| Stop::usage(format!("{}: preset {name}: {key}: {why}", file.display()));
    for url in &preset.trackers {
        TrackerUrl::parse(url).map_err(|e| bad("trackers", format!("{}: {e}", plain(&redact(url)))))?;
    }
    let size = preset.piece_size.map(|text| text.parse::<ByteSize>()).transpose();
    all.piece_size = typed.piece_size.or(size.map_err(|e| bad("piece-size", e))?);
    all.private = typed.private.or(preset.private);
    all.hidden = typed.hidden.or(preset.hidden);
    all.gitignore = typed.gitignore.or(preset.gitignore);
    all.source = typed.source.clone().or(preset.source);
    all.comment = typed.comment.clone().or(preset.comment);
    for (typed, preset) in [
        (&mut all.trackers, preset.trackers),
        (&mut all.web_seeds, preset.web_seeds),
        (&mut all.exclude, preset.exclude),
    ] {
        if typed.is_empty() {
            *typed = preset;
        }
    }
    Ok(all)
}

fn named(name: &str, file: &Path) -> Result<Preset, Stop> {
    let text = read(file).map_err(|e| {
        Stop::local(format!("the preset {} is wanted, but {} cannot be read: {e}", plain(name), file.display()))
    })?;
    let mut config: Config =
        toml::from_str(&text).map_err(|e| Stop::usage(format!("{}: {}", file.display(), e.to_string().trim_end())))?;
    config.preset.remove(name).ok_or_else(|| {
        let names: Vec<String> = config.preset.keys().map(|name| plain(name)).collect();
        let there = if names.is_empty() { "none; one begins with [preset.NAME]".to_owned() } else { names.join(", ") };
        Stop::usage(format!("there is no preset {} in {}; there is {there}", plain(name), file.display()))
    })
}

fn read(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(file)?.take(CONFIG_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > CONFIG_MAX { Err(io::Error::other("it is larger than 1 MiB")) } else { Ok(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_file_is_one() {
        let document = include_str!("../docs/presets.md");
        let text = document.split("```").nth(1).and_then(|block| block.strip_prefix("toml")).unwrap();
        let config: Config = toml::from_str(text).unwrap();
        assert_eq!(config.preset.keys().collect::<Vec<_>>(), ["members", "releases"]);
    }
}
