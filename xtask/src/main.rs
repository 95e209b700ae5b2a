//! `cargo xtask CHORE`: the command line of the project's chores.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

const USAGE: &str = "usage: cargo xtask tidy [--figures] [DIR] | bench [--smoke] | bench swarm ... | bench scale ... | matrix ... | hosts ... | relay ... | dht-net ... | faults ... | ci
  tidy   check crate arrows, cycles of modules and of calls among a struct's files, unused `pub`, file lengths, heads,
         comments, panics and dead files; --figures: the structs, files, calls, fields and faces behind it
  bench  figures of the release binary over loopback; --smoke: a small run
         swarm: one seed and downloaders in a network namespace, 64 MiB at 4 MiB/s each unless told otherwise;
         [--seed CLIENT] --get CLIENT:N,... [--size MIB] [--rate MIB/S] [--keep FOLDER] [--teem BINARY]; CLIENT is
         teem, libtorrent, qbittorrent, aria2, transmission or rqbit, as a seed also teem-no-granting or libtorrent-super
         swarm --table FILE: all rows of docs/swarm-real.md, 256 MiB; runs that the file has are not done again;
         [--reps N] with Teem's seed, 0 only prints; [--rows NAME,...] those that begin so; [--write DOCUMENT]
         scale [--axis files|pieces|length] [--to SIZE] [--in FOLDER] [--teem BINARY] [--smoke]
         [--write DOCUMENT]: growth of cost, by doubling
         floor: the smallest program that could do it, Teem and libtorrent, one seed to one downloader in turns;
         [--reps N] [--size MIB] [--teem BINARY]
         tracker: announces over HTTP for each second of its CPU, connections kept and not, in turns;
         [--reps N] [--announces N] [--teem BINARY] [--beside BINARY]
         rest: a daemon with thousands of complete torrents: seconds to start, to serve and to end, memory and processor time at rest, answers
         of its interface; [--counts N,...] [--in FOLDER] [--teem BINARY] [--write DOCUMENT]; --smoke: a hundred
         [--churn MINUTES] memory while a hundred torrents are added and a hundred removed each second, of N in all
        dht: queries that a node of the DHT answers over a socket for each second of its CPU; --smoke: a second of it
  matrix Teem and each other client, both ways, each cell in a network namespace of its own
         [--pairwise] any two settings meet in a cell; --whole: any three; --cell CELL: one, as it is written
         [--only CLIENT] [--without CLIENT-OR-TRACKER] [--jobs N] at a time, 0 only tells what the runs have; [--again N] plays what fails so often once more; [--list] [--json] [--write DOCUMENT]
         [--runs FILE] results, a line each: a cell that has passed in them is not played again; [--teem BINARY]
  hosts  Teem and each other client with the settings that it comes with, on two hosts, both ways: seconds until all is there
         [--only CLIENT] [--row CLIENT/from-teem|to-teem|dials-out/torrent|magnet] [--plays N] of each row, 3 unless told otherwise
         [--jobs N] at a time; [--teem BINARY]; [--write DOCUMENT]
  relay  Teem by uTP and TCP and libtorrent by uTP over lines of some rate, length, buffer and loss, in turns: MiB/s and what waited
         [--world NAME] clean, lossy, long, deep; [--line MBIT,MS,BUFFER,LOSS] one of your own, as 100,50,30ms,0.1 or 100,50,64KiB,0; [--program teem-utp|teem-tcp|libtorrent-utp] [--size MIB] [--reps N]
         [--teem BINARY] [--write DOCUMENT]; --smoke: a few seconds, skipped where there are no namespaces
  dht-net a DHT network of real programs, a network of 24 bits to each node: seconds from a bare magnet link to the metadata, and who gets what whom shares
         [--teems N] [--libtorrents N] [--gets N] cold starts of each; [--cold-only] nothing of the others; [--teem BINARY] [--write DOCUMENT]
         --smoke: ten nodes, three starts, skipped where there are no namespaces
  faults power cuts of the model, kill -9 of real processes, random errors under whole clients
         --hours H [--seed S]: for so long, which may be a part of an hour; each kind has one turn at least
  ci     run all that CI runs (.ci/run)";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["tidy"] => tidy(&root()),
        ["tidy", "--figures"] => figures(&root()),
        ["tidy", "--figures", dir] => figures(Path::new(dir)),
        ["tidy", dir] => tidy(Path::new(dir)),
        ["bench"] => print_or_fail("bench", xtask::bench::run(&root(), false)),
        ["bench", "--smoke"] => print_or_fail("bench", xtask::bench::run(&root(), true)),
        ["bench", "swarm", words @ ..] => print_or_fail("bench swarm", xtask::swarm::run(&root(), words)),
        ["bench", "scale", words @ ..] => print_or_fail("bench scale", xtask::scale::run(&root(), words)),
        ["bench", "rest", words @ ..] => print_or_fail("bench rest", xtask::rest::run(&root(), words)),
        ["bench", "dht", words @ ..] => print_or_fail("bench dht", xtask::queries::run(&root(), words)),
        ["bench", "floor", words @ ..] => print_or_fail("bench floor", xtask::floor::run(&root(), words)),
        ["bench", "tracker", words @ ..] => print_or_fail("bench tracker", xtask::announces::run(&root(), words)),
        ["matrix", words @ ..] => print_or_fail("matrix", xtask::matrix::run(&root(), words)),
        ["hosts", words @ ..] => print_or_fail("hosts", xtask::hosts::run(&root(), words)),
        ["relay", words @ ..] => print_or_fail("relay", xtask::relay::run(&root(), words)),
        ["dht-net", words @ ..] => print_or_fail("dht-net", xtask::dht_net::run(&root(), words)),
        ["faults", words @ ..] => print_or_fail("faults", xtask::faults::run(&root(), words)),
        ["ci"] => run(Command::new(root().join(".ci/run")).current_dir(root())),
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

/// The workspace's root: the folder above this package's.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

fn tidy(root: &Path) -> ExitCode {
    match xtask::tidy::check(root, &xtask::tidy::owed::TODAY) {
        Ok(findings) if findings.is_empty() => {
            say("tidy: nothing to say\n");
            ExitCode::SUCCESS
        }
        Ok(findings) => {
            for finding in &findings {
                say(&format!("{finding}\n"));
            }
            say(&format!("tidy: {} to put right\n", findings.len()));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("tidy: cannot read the tree: {error}");
            ExitCode::FAILURE
        }
    }
}

fn figures(root: &Path) -> ExitCode {
    match xtask::tidy::figures(root) {
        Ok(tables) => {
            say(&tables);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("tidy: cannot read the tree: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print_or_fail(what: &str, result: Result<String, xtask::bench::Failed>) -> ExitCode {
    match result {
        Ok(table) => {
            say(&table);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{what}: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Writes an answer. A reader that went away has what it wanted.
fn say(text: &str) {
    if let Err(error) = std::io::stdout().write_all(text.as_bytes())
        && error.kind() != std::io::ErrorKind::BrokenPipe
    {
        eprintln!("standard output cannot be written: {error}");
    }
}

fn run(command: &mut Command) -> ExitCode {
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cannot start {}: {error}", command.get_program().display());
            ExitCode::FAILURE
        }
    }
}
